import Foundation
package import Testing
package import ValueStreamCore

/// Checks how a source treats times that are missing from a payload or zero: they must not become facts.
///
/// For sources whose payloads contain times. The checks pretend that a delivery was received a year after the last time
/// in its payload.
package struct PayloadTimeLaws: Sendable {
  package var source: any EventSource
  /// The number of units per second in which the payloads state durations, such as 1000 for milliseconds.
  package var durationUnitsPerSecond: Double

  package init(_ source: any EventSource, durationUnitsPerSecond: Double = 1) {
    self.source = source
    self.durationUnitsPerSecond = durationUnitsPerSecond
  }

  /// The values that vendors send for "none"; nil stands for a missing member.
  private static var nothings: [Any?] {
    [nil, NSNull(), 0, "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00"]
  }

  /// Replaces each time in the payload with each form of "none": missing, null, zero or the text of an epoch.
  ///
  /// No duration may then exceed the distance from the first to the last real time plus the longest duration that the
  /// payload states. No "none" may be read as a real time.
  package func checkAbsentTimes(_ delivery: Delivery, sourceLocation: SourceLocation = #_sourceLocation) throws {
    guard let body = Self.document(delivery.body) else { return }
    for path in Self.times(in: body).map(\.path) {
      for nothing in Self.nothings {
        let changed = Self.replace(body, path[...], by: nothing)
        let real = Self.times(in: changed ?? body).map(\.time)
        guard let changed, let first = real.min(), let last = real.max() else { continue }
        let spans = try spans(of: delivery, body: changed, after: last)
        let longest = last.seconds(since: first) + longestStatedDuration(in: changed) + Self.tolerance
        let what = "\(path.joined(separator: ".")) = \(nothing.map { "\($0)" } ?? "absent")"
        for span in spans {
          for duration in Self.durations(of: span) {
            #expect(duration.seconds <= longest, "\(what): \(duration.name) of \(span.key)", sourceLocation: sourceLocation)
          }
          for instant in Self.spanEvents(of: span) {
            #expect(instant >= Timestamp(seconds: 86_400), "\(what): 1970 in \(span.key)", sourceLocation: sourceLocation)
          }
        }
      }
    }
  }

  /// Checks that the time of receipt appears nowhere in the spans, so that a replay a year later gives the same spans.
  package func checkReplay(_ delivery: Delivery, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for (span, instant) in try instantsOfReceipt(delivery) {
      Issue.record("\(instant.rfc3339) in \(span.key)", sourceLocation: sourceLocation)
    }
  }

  /// Checks a payload without the time of what it reports.
  ///
  /// The time of receipt may stand in for it, but not count in a duration.
  package func checkReplayOfSparse(_ delivery: Delivery, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let spanEvents = try instantsOfReceipt(delivery)
    #expect(!spanEvents.isEmpty, "the payload tells its times: check it like the others", sourceLocation: sourceLocation)
    for (span, instant) in spanEvents {
      for duration in Self.durations(of: span) {
        #expect(
          duration.seconds <= Self.tolerance, "\(duration.name) to \(instant) in \(span.key)", sourceLocation: sourceLocation)
      }
    }
  }

  /// Returns the times in the spans that lie after all times in the payload by more than the longest stated duration.
  private func instantsOfReceipt(_ delivery: Delivery) throws -> [(span: Span, instant: Timestamp)] {
    guard let body = Self.document(delivery.body), let last = Self.times(in: body).map(\.time).max() else { return [] }
    let longest = longestStatedDuration(in: body) + Self.tolerance
    return try spans(of: delivery, body: body, after: last).flatMap { span in
      Self.spanEvents(of: span).filter { $0.seconds(since: last) > longest }.map { (span, $0) }
    }
  }

  /// A source may compute an end from a start and a stated duration, so the end can lie after all times in the payload.
  private func longestStatedDuration(in value: Any, named name: String = "") -> Double {
    switch value {
    case let object as [String: Any]: return object.map { longestStatedDuration(in: $0.value, named: $0.key) }.max() ?? 0
    case let list as [Any]: return list.map { longestStatedDuration(in: $0, named: name) }.max() ?? 0
    default:
      guard name.lowercased().contains("duration") || name == "queueTime" else { return 0 }
      return max(0, ((value as? NSNumber)?.doubleValue ?? 0) / durationUnitsPerSecond)
    }
  }

  /// Seconds by which a source may move a time to keep events in order that the payload reports twice.
  private static let tolerance = 2.0

  private func spans(of delivery: Delivery, body: Any, after last: Timestamp) throws -> [Span] {
    var late = delivery
    late.received = last.advanced(bySeconds: 365 * 86_400)
    late.body = Array(try JSONSerialization.data(withJSONObject: body))
    // Without this time, the payload may lack its identity. The source then rejects it, and there is nothing to check.
    guard let story = try? DeliveryStory([late], of: source, seed: 0) else { return [] }
    return story.spans.map(\.span)
  }

  // MARK: Durations and times of spans

  /// Returns the known durations, as metrics count them.
  private static func durations(of span: Span) -> [(name: String, seconds: Double)] {
    var durations: [(name: String, seconds: Double)] = []
    if let end = span.end, !span.isStartUnknown, !span.isEndUnknown {
      durations.append(("duration", end.seconds(since: span.start)))
    }
    for phase in span.phases {
      guard let end = phase.end, !span.isEndUnknown || end != span.end else { continue }
      durations.append((phase.name, end.seconds(since: phase.start)))
    }
    return durations
  }

  private static func spanEvents(of span: Span) -> [Timestamp] {
    [span.start] + [span.end].compactMap { $0 } + span.phases.flatMap { [$0.start] + [$0.end].compactMap { $0 } }
      + span.events.map(\.time)
  }

  // MARK: Times in a payload

  private static func document(_ body: [UInt8]) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(body), options: [.mutableContainers])
  }

  private static func times(in value: Any, at path: [String] = []) -> [(path: [String], time: Timestamp)] {
    switch value {
    case let object as [String: Any]: object.sorted { $0.key < $1.key }.flatMap { times(in: $0.value, at: path + [$0.key]) }
    case let list as [Any]: list.prefix(20).enumerated().flatMap { times(in: $0.element, at: path + ["\($0.offset)"]) }
    default: time(value, named: path.last { Int($0) == nil } ?? "").map { [(path, $0)] } ?? []
    }
  }

  /// Recognizes numbers by the names of their members, and ids of Trello, which contain a time, by their format.
  private static func time(_ value: Any, named name: String) -> Timestamp? {
    let earliest = Timestamp(seconds: 86_400)
    if let text = value as? String {
      if let time = Timestamp(rfc3339: text) { return time >= earliest ? time : nil }
      guard text.utf8.count == 24, let seconds = Int64(text.prefix(8), radix: 16), Hex.bytes(of: text) != nil else { return nil }
      return Timestamp(seconds: seconds)
    }
    let name = name.lowercased()
    guard ["time", "date", "_at", "created", "updated", "started", "finished"].contains(where: name.contains),
      let number = (value as? NSNumber)?.int64Value, number > 1_000_000_000
    else { return nil }
    return number > 100_000_000_000 ? Timestamp(milliseconds: number) : Timestamp(seconds: number)
  }

  /// Nil if the member does not exist.
  private static func replace(_ value: Any, _ path: ArraySlice<String>, by nothing: Any?) -> Any? {
    guard let name = path.first else { return nothing }
    let rest = path.dropFirst()
    if var object = value as? [String: Any], let member = object[name] {
      object[name] = replace(member, rest, by: nothing)
      return object
    }
    if var list = value as? [Any], let index = Int(name), list.indices.contains(index) {
      list[index] = replace(list[index], rest, by: nothing) ?? NSNull()
      return list
    }
    return nil
  }
}
