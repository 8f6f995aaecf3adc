import Synchronization
package import ValueStreamCore

/// A source that can be replaced by one with other secrets while deliveries arrive.
///
/// A request keeps the source that it began with, so a delivery that was signed before a change and ends after it is accepted.
package final class CurrentSource: Sendable {
  private let source: Mutex<any EventSource>

  package init(_ source: any EventSource) { self.source = Mutex(source) }

  package var value: any EventSource { source.withLock { $0 } }

  /// Replaces the source. Route and methods stay those of the first.
  package func replace(by new: any EventSource) { source.withLock { $0 = new } }
}
