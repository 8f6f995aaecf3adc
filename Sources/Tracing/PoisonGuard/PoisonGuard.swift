internal import CCrashMark
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Remembers across restarts which stored item was being worked on when the process crashed, so that an item that crashes it again and
/// again can be set aside.
///
/// Each risky step is marked in a small file of the store's directory: written, not synced, because it must outlast the process only. A
/// signal handler notes in the mark that the process crashed by its own doing; a process that was killed leaves a mark without that
/// note, which does not count. After a crash the items of the marked step are suspects: each gets a step of its own, and after
/// ``deathLimit`` crashes alone in such a step an item is poison.
///
/// Not counted: SIGKILL. Whoever kills a process (an operator, a watchdog, the kernel when memory is short) says nothing about the item
/// it was at, and a wrong guess would set aside a good one.
package final class PoisonGuard: Sendable {
  /// Who takes steps: each has one step at a time.
  package struct Owner: Sendable, Hashable {
    fileprivate let mark: Int32
    fileprivate let isAnyThread: Bool
  }

  /// Items by number, of one owner.
  private struct Suspect: Equatable {
    var owner: Int32
    var first: UInt64
    var last: UInt64
    /// How often the process crashed with the item alone in a step; 0 of a range that has yet to be gone through.
    var deaths: UInt64
  }

  /// After so many crashes with the same item alone in a step it is poison.
  package static let deathLimit: UInt64 = 3
  package static let fileName = "poison-guard"

  /// Deliveries that are projected, by their place in the log.
  package static let projection = Owner(mark: 0, isAnyThread: false)
  /// Finished attempts that are measured, by a hash.
  package static let measurement = Owner(mark: 1, isAnyThread: false)

  /// Spans on their way to the exporter with this index, by the last place it has passed in the outbox.
  package static func export(_ index: Int) -> Owner {
    Owner(mark: Int32(clamping: min(2 + max(0, index), Int(vs_crash_mark_count) - 1)), isAnyThread: true)
  }

  private static let markBytes = Int(vs_crash_mark_bytes)
  private static let suspectsOffset = 4096
  private static let suspectBytes = 32
  private static let suspectLimit = 120
  private static let fileBytes = 8192
  private static let magic: UInt64 = 0x3144_5241_5547_5356  // VSGUARD1

  private let descriptor: Int32
  private let suspects: Mutex<[Suspect]>

  /// One that guards nothing: for stores in memory, and commands that a person runs.
  package init() {
    descriptor = -1
    suspects = Mutex([])
  }

  /// Opens the marks of a store's directory, and concludes from them what the process before was at when it crashed.
  ///
  /// The caller holds the lock of the store. Where the file cannot be written there is no guard, and nothing else changes.
  package init(directory: String) {
    descriptor = open("\(directory)/\(Self.fileName)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      suspects = Mutex([])
      return
    }
    var bytes = [UInt8](repeating: 0, count: Self.fileBytes)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let isKnown = count == bytes.count && Self.word(bytes, Self.suspectsOffset) == Self.magic
    let found = isKnown ? Self.conclude(bytes) : []
    suspects = Mutex(found)
    // Written whole, so that later writes need no room on the disk.
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

  /// Runs a step over items of which any may crash the process.
  package func run<Result>(_ owner: Owner, _ items: ClosedRange<UInt64>, _ body: () throws -> Result) rethrows -> Result {
    enter(owner, items)
    defer { leave(owner) }
    return try body()
  }

  /// Begins a step; for those that cannot be one function.
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

  /// True of an item that needs a step of its own.
  package func isSuspect(_ owner: Owner, _ item: UInt64) -> Bool {
    suspects.withLock { suspects in
      suspects.contains { $0.owner == owner.mark && $0.first <= item && item <= $0.last }
    }
  }

  /// True of an item that is to be set aside.
  package func isPoison(_ owner: Owner, _ item: UInt64) -> Bool {
    suspects.withLock { suspects in
      suspects.contains { $0.owner == owner.mark && $0.first == item && $0.last == item && $0.deaths >= Self.deathLimit }
    }
  }

  /// Everything up to an item is done with.
  package func pass(_ owner: Owner, upTo item: UInt64) {
    forget { $0.owner == owner.mark && $0.last <= item }
  }

  /// One item is done with, where they have no order.
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

  // MARK: The file

  /// The suspects that stand in a file, with those that its marks tell of.
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
    // The newest matter most.
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
