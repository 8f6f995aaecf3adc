import Synchronization
import ValueStreamCore

/// The greatest number of a stored subject with facts. New subjects have greater ones, so that nobody has to look for theirs.
///
/// Until the store is opened for writing, every subject may have facts.
final class FactSubjectBound: Sendable {
  private let greatest = Atomic(Int64.max)

  /// Direct changes and subjects that are gone have numbers of their own above this one, or below 1.
  private static let numberLimit: Int64 = 1 << 62

  /// The greatest number of a subject that is in the store.
  static let query = "SELECT max(id) FROM fact_subject WHERE id < \(numberLimit)"

  func set(_ number: Int64) { greatest.store(number, ordering: .releasing) }

  /// Call it before the transaction is committed that writes the facts.
  func note(_ number: Int64) {
    guard number < Self.numberLimit else { return }
    greatest.max(number, ordering: .acquiringAndReleasing)
  }

  /// False if there are certainly no facts of the subject.
  func mayHave(_ number: Int64) -> Bool {
    number <= greatest.load(ordering: .acquiring) || number >= Self.numberLimit
  }
}
