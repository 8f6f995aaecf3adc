internal import CCrashMark
import Synchronization
package import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Remembers across restarts which stored item was being processed when the process crashed, so that an item that keeps
/// crashing it can be set aside.
///
/// Each risky step is marked in a small file in the store's directory. The mark is written but not synced, because it
/// only has to outlast the process. If the process crashes, a signal handler records that in the mark. A mark without
/// this record, such as that of a killed process, does not count. After a crash, the items of the marked step are
/// suspects. Each suspect gets a step of its own. After ``deathLimit`` crashes alone in such a step, it is poison.
///
/// SIGKILL does not count. Whoever kills a process (an operator, a watchdog, the kernel when memory is short) says
/// nothing about the item that was being processed, and a wrong guess would set aside a good item.
package final class PoisonGuard: Sendable {
  /// A component that takes steps. Each has at most one step at a time.
  package struct Owner: Sendable, Hashable {
    fileprivate let mark: Int32
    fileprivate let isAnyThread: Bool
  }

  /// A range of items of one owner that were being processed when the process crashed.
  private struct Suspect: Equatable {
    var owner: Int32
    var first: UInt64
    var last: UInt64
    /// The number of crashes with the item alone in a step; 0 for a range whose items have not been tried one by one.
    var deaths: UInt64
  }

  /// The number of crashes alone in a step after which an item is poison.
  package static let deathLimit: UInt64 = 3
  package static let fileName = "poison-guard"

  /// The owner that projects deliveries. Its items are positions in the log.
  package static let projection = Owner(mark: 0, isAnyThread: false)
  /// The owner that measures finished attempts. Its items are hashes of subject keys.
  package static let measurement = Owner(mark: 1, isAnyThread: false)

  /// The owner that computes facts. Its items are hashes of what is computed; 0 for reading what that is.
  package static let facts = Owner(mark: Int32(vs_crash_mark_count) - 1, isAnyThread: false)

  /// The owner that reexamines followers without deliveries. Its items are hashes of a reference and a place among its
  /// followers.
  package static let followers = Owner(mark: Int32(vs_crash_mark_count) - 2, isAnyThread: false)

  /// Returns the owner that exports spans. Each item is the sequence before an entry in the outbox.
  ///
  /// Exporters with an index beyond the available marks share the last mark.
  package static func export(_ index: Int) -> Owner {
    Owner(mark: Int32(clamping: min(2 + max(0, index), Int(vs_crash_mark_count) - 3)), isAnyThread: true)
  }

  private static let markBytes = Int(vs_crash_mark_bytes)
  private static let suspectsOffset = 4096
  private static let suspectBytes = 32
  private static let suspectLimit = 120
  private static let fileBytes = 8192
  private static let magic: UInt64 = 0x3144_5241_5547_5356  // VSGUARD1

  private let descriptor: Int32
  private let suspects: Mutex<[Suspect]>

  /// Creates a guard that does nothing, for stores in memory and for commands that a person runs.
  package init() {
    descriptor = -1
    suspects = Mutex([])
  }

  /// Opens the guard file of a store and reads from its marks what the previous process was doing when it crashed.
  ///
  /// The caller must hold the lock of the store. If the file cannot be opened or written, there is no guard, and
  /// everything else works as usual.
  package convenience init(directory: String) {
    self.init(opened: Self.openFile("\(directory)/\(Self.fileName)"))
  }

  /// Opens the first guard file in a directory that no other process uses, and locks it.
  ///
  /// For processes of one machine that share a store elsewhere. Each needs a file, and after a restart may continue the file of
  /// another, because the items of all are those of the same store.
  package convenience init(sharedDirectory directory: String) {
    self.init(opened: Self.openFreeFile(in: directory))
  }

  /// Returns the descriptor of a locked file; -1 if there is none.
  private static func openFreeFile(in directory: String) -> Int32 {
    for index in 0..<sharedFileLimit {
      let descriptor = openFile("\(directory)/\(fileName)\(index == 0 ? "" : "-\(index)")")
      if descriptor < 0 || flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
      close(descriptor)
    }
    return -1
  }

  private static let sharedFileLimit = 16

  /// True if there is a file. Without one, the guard does nothing.
  package var isWorking: Bool { descriptor >= 0 }

  private static func openFile(_ path: String) -> Int32 { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }

  private init(opened descriptor: Int32) {
    self.descriptor = descriptor
    guard descriptor >= 0 else {
      suspects = Mutex([])
      return
    }
    var bytes = [UInt8](repeating: 0, count: Self.fileBytes)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let isKnown = count == bytes.count && Self.word(bytes, Self.suspectsOffset) == Self.magic
    let found = isKnown ? Self.conclude(bytes) : []
    suspects = Mutex(found)
    // Write the whole file now, so that later writes need no disk space.
    var empty = [UInt8](repeating: 0, count: Self.fileBytes)
    empty.replaceSubrange(Self.suspectsOffset..., with: Self.encoded(found))
    guard pwrite(descriptor, empty, empty.count, 0) == empty.count else { return }
    vs_crash_mark_install(descriptor)
  }

  deinit {
    guard descriptor >= 0 else { return }
    vs_crash_mark_install(-1)
    close(descriptor)
  }

  // MARK: Steps

  /// Runs a step over items that may crash the process.
  ///
  /// - Parameter items: The items of the step. Pass a single item if ``isSuspect(_:_:)`` is true for it.
  package func run<Result>(_ owner: Owner, _ items: ClosedRange<UInt64>, _ body: () throws -> Result) rethrows -> Result {
    enter(owner, items)
    defer { leave(owner) }
    return try body()
  }

  /// Begins a step that cannot be wrapped in one function. End it with ``leave(_:)``.
  ///
  /// A second call before that replaces the items of the step.
  package func enter(_ owner: Owner, _ items: ClosedRange<UInt64>) {
    guard descriptor >= 0 else { return }
    var mark = [UInt8](repeating: 0, count: 24)
    mark[0] = 1
    Self.put(items.lowerBound, into: &mark, at: 8)
    Self.put(items.upperBound, into: &mark, at: 16)
    _ = pwrite(descriptor, mark, mark.count, off_t(Int(owner.mark) * Self.markBytes))
    vs_crash_mark_enter(owner.mark, owner.isAnyThread ? 1 : 0)
  }

  package func leave(_ owner: Owner) {
    guard descriptor >= 0 else { return }
    vs_crash_mark_leave(owner.mark)
    _ = pwrite(descriptor, [0], 1, off_t(Int(owner.mark) * Self.markBytes))
  }

  // MARK: Suspects

  /// True if an item needs a step of its own.
  package func isSuspect(_ owner: Owner, _ item: UInt64) -> Bool {
    suspects.withLock { suspects in
      suspects.contains { $0.owner == owner.mark && $0.first <= item && item <= $0.last }
    }
  }

  /// True if any item of an owner needs a step of its own.
  package func hasSuspects(_ owner: Owner) -> Bool {
    suspects.withLock { suspects in suspects.contains { $0.owner == owner.mark } }
  }

  /// True if an item should be set aside.
  package func isPoison(_ owner: Owner, _ item: UInt64) -> Bool {
    suspects.withLock { suspects in
      suspects.contains { $0.owner == owner.mark && $0.first == item && $0.last == item && $0.deaths >= Self.deathLimit }
    }
  }

  /// Clears the suspects of a projection that its position in the log covers.
  package func pass(_ owner: Owner, in coverage: LogCoverage) {
    // The items of a step are of one writer.
    forget { $0.owner == owner.mark && coverage.contains(LogPosition(rawValue: $0.last)) }
  }

  /// Clears all suspects up to an item, for owners that process items in order.
  package func pass(_ owner: Owner, upTo item: UInt64) {
    forget { $0.owner == owner.mark && $0.last <= item }
  }

  /// Clears one suspect, for owners whose items have no order.
  package func pass(_ owner: Owner, _ item: UInt64) {
    forget { $0.owner == owner.mark && $0.first == item && $0.last == item }
  }

  private func forget(_ isPassed: (Suspect) -> Bool) {
    suspects.withLock { suspects in
      guard !suspects.isEmpty, suspects.contains(where: isPassed) else { return }
      suspects.removeAll(where: isPassed)
      let bytes = Self.encoded(suspects)
      _ = pwrite(descriptor, bytes, bytes.count, off_t(Self.suspectsOffset))
    }
  }

  // MARK: File format

  /// Returns the suspects stored in a guard file, together with those that its marks add.
  private static func conclude(_ bytes: [UInt8]) -> [Suspect] {
    var suspects: [Suspect] = []
    let count = min(Int(clamping: word(bytes, suspectsOffset + 8)), suspectLimit)
    for index in 0..<count {
      let start = suspectsOffset + 16 + index * suspectBytes
      suspects.append(
        Suspect(
          owner: Int32(truncatingIfNeeded: word(bytes, start)), first: word(bytes, start + 8), last: word(bytes, start + 16),
          deaths: word(bytes, start + 24)))
    }
    for mark in 0..<Int(vs_crash_mark_count) {
      let start = mark * markBytes
      guard bytes[start] == 1, bytes[start + 1] != 0 else { continue }
      let (first, last) = (word(bytes, start + 8), word(bytes, start + 16))
      guard first <= last else { continue }
      let owner = Int32(clamping: mark)
      if first == last {
        if let known = suspects.firstIndex(where: { $0.owner == owner && $0.first == first && $0.last == last }) {
          suspects[known].deaths = min(suspects[known].deaths, .max - 1) + 1
        } else {
          suspects.append(Suspect(owner: owner, first: first, last: last, deaths: 1))
        }
      } else {
        suspects.append(Suspect(owner: owner, first: first, last: last, deaths: 0))
      }
    }
    // If there are too many, keep the newest.
    return Array(suspects.suffix(suspectLimit))
  }

  private static func encoded(_ suspects: [Suspect]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: fileBytes - suspectsOffset)
    put(magic, into: &bytes, at: 0)
    put(UInt64(suspects.count), into: &bytes, at: 8)
    for (index, suspect) in suspects.prefix(suspectLimit).enumerated() {
      let start = 16 + index * suspectBytes
      put(UInt64(bitPattern: Int64(suspect.owner)), into: &bytes, at: start)
      put(suspect.first, into: &bytes, at: start + 8)
      put(suspect.last, into: &bytes, at: start + 16)
      put(suspect.deaths, into: &bytes, at: start + 24)
    }
    return bytes
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }

  private static func put(_ word: UInt64, into bytes: inout [UInt8], at offset: Int) {
    for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: word >> UInt64(8 * index)) }
  }
}
