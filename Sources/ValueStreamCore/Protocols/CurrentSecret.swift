import Synchronization

/// A secret that can be replaced while requests use it.
package final class CurrentSecret: Sendable {
  private let secret: Mutex<Secret>

  package init(_ secret: Secret) { self.secret = Mutex(secret) }

  package var value: Secret { secret.withLock { $0 } }

  package func replace(by new: Secret) { secret.withLock { $0 = new } }
}
