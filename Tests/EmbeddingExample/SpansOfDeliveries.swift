public import ValueStreamCore

/// The spans that follow from deliveries, each in its trace; the things seen last come first.
///
/// - Parameter deliveries: in any order, repeated or not.
public func spans(of deliveries: [Delivery], from source: some EventSource) throws -> [TracedSpan] {
  try spans(
    of: deliveries.flatMap { delivery in
      if case .events(let events, _) = try source.events(in: delivery) { events } else { [] as [Event] }
    })
}

/// The same for events of any number of sources.
public func spans(of events: [Event]) throws -> [TracedSpan] {
  let store = MemorySpanStore()
  var correlation = Correlation(store: store)
  for event in events { _ = try correlation.take(event) }
  store.write(correlation.finish())

  var reader = TraceReader(store: store, strategy: .nested)
  let page = store.subjects(matching: SubjectFilter(), after: nil, limit: 1000)
  return try page.subjects.flatMap { try reader.spans(of: $0) }
}
