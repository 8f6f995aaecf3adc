public import ValueStreamCore

/// Returns the spans of deliveries, each in its trace. The most recently seen subjects come first.
///
/// - Parameter deliveries: Deliveries in any order; duplicates are allowed.
public func spans(of deliveries: [Delivery], from source: some EventSource) throws -> [TracedSpan] {
  try spans(
    of: deliveries.flatMap { delivery in
      if case .events(let events, _) = try source.events(in: delivery) { events } else { [] as [Event] }
    })
}

/// Returns the spans of events from any number of sources, in the same order.
public func spans(of events: [Event]) throws -> [TracedSpan] {
  let store = MemorySpanStore()
  var correlation = Correlation(store: store)
  for event in events { _ = try correlation.take(event) }
  store.write(correlation.finish())

  var reader = TraceReader(store: store, strategy: .nested)
  let page = store.subjects(matching: SubjectFilter(), after: nil, limit: 1000)
  return try page.subjects.flatMap { try reader.spans(of: $0) }
}
