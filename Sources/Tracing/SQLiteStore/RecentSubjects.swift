import Synchronization
import ValueStreamCore

/// The subjects that were written last, so that those who need them soon after neither read nor decode them again:
/// the next deliveries, the computation of facts, exporters.
///
/// A subject is in here only while no write of it is under way: ``forget(_:)`` comes before the write, ``add(_:)`` after
/// its commit. In between, readers use the store.
final class RecentSubjects: Sendable {
  struct Entry {
    var subject: Subject
    /// The row of the subject.
    var sequence: Int64
    /// The length of the encoded subject.
    var byteCount: Int
  }

  private struct Generation {
    var entries: [SubjectKey: Entry] = [:]
    var keys: [Int64: SubjectKey] = [:]
    var byteCount = 0

    func key(of sequence: Int64) -> SubjectKey? {
      // The subject may be gone, or written again and in the other generation.
      keys[sequence].flatMap { entries[$0]?.sequence == sequence ? $0 : nil }
    }
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

  /// Adds subjects as the store has them now.
  func add(_ entries: [Entry]) {
    state.withLock { state in
      for entry in entries where entry.byteCount <= Self.subjectByteLimit {
        if state.young.entries.count >= Self.countLimit || state.young.byteCount >= Self.byteLimit {
          state.old = state.young
          state.young = Generation()
        }
        state.young.entries[entry.subject.key] = entry
        state.young.keys[entry.sequence] = entry.subject.key
        state.young.byteCount += entry.byteCount
      }
    }
  }

  /// Removes subjects that are about to change.
  func forget(_ keys: some Sequence<SubjectKey>) {
    state.withLock { state in
      for key in keys where state.young.entries.removeValue(forKey: key) == nil {
        state.old.entries.removeValue(forKey: key)
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
      for key in keys { found[key] = (state.young.entries[key] ?? state.old.entries[key])?.subject }
      return found
    }
  }

  /// Returns the row of a subject; nil if it is not known.
  func sequence(of key: SubjectKey) -> Int64? {
    state.withLock { state in (state.young.entries[key] ?? state.old.entries[key])?.sequence }
  }

  /// Returns the keys of the known ones of the subjects in these rows.
  func keys(of sequences: some Sequence<Int64>) -> [Int64: SubjectKey] {
    state.withLock { state in
      var found: [Int64: SubjectKey] = [:]
      for sequence in sequences { found[sequence] = state.young.key(of: sequence) ?? state.old.key(of: sequence) }
      return found
    }
  }
}
