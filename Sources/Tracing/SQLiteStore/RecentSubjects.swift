import Synchronization
import ValueStreamCore

/// The subjects that were written last, so that those who need them soon after neither read nor decode them again:
/// the next deliveries, the computation of facts, exporters.
///
/// A subject is in here only while no write of it is under way: ``forget(_:)`` comes before the write, ``add(_:)`` after
/// its commit. In between, readers use the store.
final class RecentSubjects: Sendable {
  private struct Generation {
    var subjects: [SubjectKey: Subject] = [:]
    var byteCount = 0
  }

  private struct State {
    var young = Generation()
    var old = Generation()
  }

  private let state = Mutex(State())

  /// The limits of each of two generations. A full one replaces the older one, so that the oldest subjects go first.
  private static let countLimit = 512
  private static let byteLimit = 2 << 20
  /// The most bytes of one subject, encoded. Larger ones are rare, and take much memory.
  static let subjectByteLimit = 16 << 10

  /// Adds subjects as the store has them now, with their encoded sizes.
  func add(_ subjects: [(subject: Subject, byteCount: Int)]) {
    state.withLock { state in
      for (subject, byteCount) in subjects where byteCount <= Self.subjectByteLimit {
        if state.young.subjects.count >= Self.countLimit || state.young.byteCount >= Self.byteLimit {
          state.old = state.young
          state.young = Generation()
        }
        state.young.subjects[subject.key] = subject
        state.young.byteCount += byteCount
      }
    }
  }

  /// Removes subjects that are about to change.
  func forget(_ keys: some Sequence<SubjectKey>) {
    state.withLock { state in
      for key in keys where state.young.subjects.removeValue(forKey: key) == nil {
        state.old.subjects.removeValue(forKey: key)
      }
    }
  }

  func removeAll() {
    state.withLock { $0 = State() }
  }

  /// Returns the known ones of these subjects.
  func subjects(_ keys: [SubjectKey]) -> [SubjectKey: Subject] {
    state.withLock { state in
      var found: [SubjectKey: Subject] = [:]
      for key in keys { found[key] = state.young.subjects[key] ?? state.old.subjects[key] }
      return found
    }
  }
}
