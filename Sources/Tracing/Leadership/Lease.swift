/// The right to lead, which one process at a time holds.
///
/// Calls may block, so make them from a thread of your own.
package protocol Lease: Sendable {
  /// How often to call ``tick()``.
  var pause: Duration { get }

  /// Renews the lease, or takes it if it is free.
  ///
  /// - Throws: ``StoreError`` if that cannot be found out now. A held lease stays held until its loss is certain.
  func tick() throws -> LeaseOutcome

  /// Gives the lease back, so that another process can take it at once.
  func release()

  /// The name of the process that holds the lease. Nil if none does.
  func holder() throws -> String?
}

/// The result of ``Lease/tick()``.
package enum LeaseOutcome: Sendable, Hashable {
  /// This process leads, as before or from now on.
  case leads
  /// Another process leads.
  case follows
  /// This process has led and lost the lease. It must drop what it knows of the projection.
  case lost
}

/// The lease of a store that only this process opens. It never ends.
package struct PermanentLease: Lease {
  package init() {}

  package var pause: Duration { .seconds(3600) }

  package func tick() -> LeaseOutcome { .leads }

  package func release() {}

  package func holder() -> String? { nil }
}
