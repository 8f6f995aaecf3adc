package import ValueStreamCore

/// Reads deliveries from the log, and what each one becomes.
///
/// It parses each delivery again, so the result is that of the current sources, not that of the day it arrived.
package struct DeliveryReading: Sendable {
  /// A delivery with what the current sources read in it.
  package struct Entry: Sendable {
    package var position: LogPosition
    package var logged: LoggedDelivery
    package var understood: Result<Interpretation, PayloadError>

    package var result: DeliveryResult {
      switch understood {
      case .success(.events), .success(.exclusion): .recorded
      case .success(.ignored): .ignored
      case .failure: .unreadable
      }
    }
  }

  /// Selects deliveries. Nil matches everything.
  package struct Filter: Sendable {
    package var source: String?
    package var result: DeliveryResult?

    package init(source: String? = nil, result: DeliveryResult? = nil) {
      self.source = source
      self.result = result
    }
  }

  private let log: any DeliveryLog
  private let sources: [String: any EventSource]
  private let setAside: @Sendable (LogPosition) -> String?
  private let unread: @Sendable (Delivery) -> UnreadValues?

  /// Limits on the deliveries examined, and on the bytes of their bodies, for one page.
  private static let searchLimit = 2000
  private static let byteLimit = 64 << 20

  /// Creates a reader.
  ///
  /// - Parameters:
  ///   - setAside: Returns why the projector set a delivery aside; nil if it did not. Such a delivery counts as
  ///     unreadable and is not parsed.
  ///   - unread: Returns the values in a delivery that no type could represent.
  package init(
    log: any DeliveryLog, sources: [any EventSource],
    setAside: @escaping @Sendable (LogPosition) -> String? = { _ in nil },
    unread: @escaping @Sendable (Delivery) -> UnreadValues? = { _ in nil }
  ) {
    self.log = log
    self.sources = Dictionary(sources.map { ($0.name, $0) }) { first, _ in first }
    self.setAside = setAside
    self.unread = unread
  }

  /// The names of the sources, sorted.
  package var sourceNames: [String] { sources.keys.sorted() }

  /// Returns the values of a delivery that no type could represent. Nil if there are none or it was set aside.
  package func unreadValues(of entry: Entry) -> UnreadValues? {
    setAside(entry.position) == nil ? unread(entry.logged.delivery) : nil
  }

  /// Visits matching deliveries, the newest first, each as soon as it is read, so that memory never holds a page of them.
  ///
  /// A page ends early if too many deliveries have to be examined.
  ///
  /// - Parameters:
  ///   - cursor: The value that the previous page returned. Nil for the first page.
  ///   - searchLimit: The most deliveries to examine; nil for the usual limit.
  ///   - byteLimit: The most bytes of bodies to read; nil for the usual limit.
  ///   - visit: Returns false to end the page.
  /// - Returns: The cursor of the next page; nil after the last one.
  package func visit(
    _ filter: Filter, before cursor: LogPosition?, limit: Int, searchLimit: Int? = nil, byteLimit: Int? = nil,
    _ visit: (Entry) throws -> Bool
  ) throws -> LogPosition? {
    let (searchLimit, byteLimit) = (searchLimit ?? Self.searchLimit, byteLimit ?? Self.byteLimit)
    var next = cursor
    var (visited, looked, bytes) = (0, 0, 0)
    while visited < limit, looked < searchLimit, bytes < byteLimit {
      let step = try log.readBackwards(before: next, limit: limit - visited, byteLimit: byteLimit - bytes)
      if step.isEmpty { return nil }
      for read in step {
        let (position, logged) = (read.position, read.logged)
        next = position
        looked += 1
        bytes += logged.delivery.body.count
        // Parsing costs most, so the cheap condition comes first.
        guard filter.source == nil || filter.source == logged.delivery.source else { continue }
        let entry = Entry(position: position, logged: logged, understood: understand(logged, at: position))
        guard filter.result == nil || filter.result == entry.result else { continue }
        visited += 1
        if try !visit(entry) { return next }
      }
    }
    return next
  }

  /// Returns the last delivery of each of these sources, as far as it is among the newest deliveries. Parses nothing.
  ///
  /// - Parameters:
  ///   - limit: The most deliveries to read.
  ///   - byteLimit: The most bytes of bodies to read, about.
  package func last(of sources: Set<String>, limit: Int, byteLimit: Int) throws -> [String: LogEntry] {
    var found: [String: LogEntry] = [:]
    guard !sources.isEmpty else { return found }
    for entry in try log.readBackwards(before: nil, limit: limit, byteLimit: byteLimit) {
      let source = entry.logged.delivery.source
      if sources.contains(source), found[source] == nil { found[source] = entry }
    }
    return found
  }

  /// Returns a single delivery. Nil if there is none at this position, or if it is not kept any more.
  package func entry(at position: LogPosition) throws -> Entry? {
    try log.delivery(at: position).map {
      Entry(position: position, logged: $0, understood: understand($0, at: position))
    }
  }

  private func understand(_ logged: LoggedDelivery, at position: LogPosition) -> Result<Interpretation, PayloadError> {
    // A delivery that crashed the projector could crash the parser here too.
    if let reason = setAside(position) { return .failure(PayloadError(.malformed, reason: "set aside: \(reason)")) }
    guard let source = sources[logged.delivery.source] else {
      return .failure(PayloadError(.malformed, reason: "there is no source \(logged.delivery.source) any more"))
    }
    do throws(PayloadError) {
      return .success(try source.events(in: logged.delivery.asMapped))
    } catch {
      return .failure(error)
    }
  }
}
