import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes lines to a stream from a thread of its own, so that a reader who does not read stops nobody.
///
/// What waits is bounded. Lines that find no room are lost and counted, and a line says how many as soon as there is room again.
package final class LineQueue: Sendable {
  private struct State {
    var waiting: [[UInt8]] = []
    /// Bytes that wait or are being written.
    var bytes = 0
    var lost: UInt64 = 0
    /// Losses that no line has told of.
    var untold: UInt64 = 0
    var isFinishing = false
  }

  private let state = Mutex(State())
  private let descriptor: Int32
  private let limit: Int
  private let lossLine: @Sendable (_ count: UInt64) -> [UInt8]
  /// Wakes the thread, and tells that it is done.
  private let work: Wakeup
  private let done: Wakeup

  /// Nil when the system gives no thread or descriptors.
  ///
  /// - Parameters:
  ///   - descriptor: of the stream; not closed.
  ///   - limit: bytes that may wait. One line may always wait, however long.
  ///   - lossLine: the line that tells of lost ones.
  package init?(
    to descriptor: Int32 = STDOUT_FILENO, limit: Int = 4 << 20, lossLine: @escaping @Sendable (_ count: UInt64) -> [UInt8]
  ) {
    guard let work = Wakeup(), let done = Wakeup() else { return nil }
    self.work = work
    self.done = done
    self.descriptor = descriptor
    self.limit = limit
    self.lossLine = lossLine
    // The thread keeps the queue alive until it is told to finish.
    guard OwnThread.start({ self.serve() }) else { return nil }
  }

  /// True while less than half of the room is taken.
  package var hasRoom: Bool { state.withLock(\.bytes) < limit / 2 }

  /// Lines that were lost.
  package var lostCount: UInt64 { state.withLock(\.lost) }

  /// Takes a line, or counts it as lost. Never waits.
  package func write(_ line: [UInt8]) {
    let isTaken = offer(line)
    if !isTaken {
      state.withLock { state in
        state.lost += 1
        state.untold += 1
      }
    }
  }

  /// Takes lines if there is room for them. Never waits.
  package func offer(_ lines: [UInt8]) -> Bool {
    let (isTaken, isFirst) = state.withLock { state -> (Bool, Bool) in
      guard state.bytes == 0 || state.bytes + lines.count <= limit else { return (false, false) }
      state.bytes += lines.count
      state.waiting.append(lines)
      return (true, state.waiting.count == 1)
    }
    if isFirst { work.notify() }
    return isTaken
  }

  /// Ends the thread when everything is written, and returns then, or when the time is over.
  package func finish(atMost milliseconds: Int32) {
    state.withLock { $0.isFinishing = true }
    work.notify()
    done.wait(milliseconds)
  }

  // MARK: The thread

  private func serve() {
    while true {
      let (lines, untold, isFinishing) = state.withLock { state in
        defer {
          state.waiting = []
          state.untold = 0
        }
        return (state.waiting, state.untold, state.isFinishing)
      }
      if lines.isEmpty, untold == 0 {
        if isFinishing { break }
        work.wait(-1)
        continue
      }
      for line in lines {
        put(line)
        state.withLock { $0.bytes -= line.count }
      }
      if untold > 0 { put(lossLine(untold)) }
    }
    done.notify()
  }

  /// What the stream refuses is gone: nobody reads it any more.
  private func put(_ line: [UInt8]) {
    line.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        // A pipe with room has room for this much: the write does not block.
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceSize))
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&entry, 1, -1) < 0 { continue }
        let count = StandardStream.writeOnce(piece, to: descriptor)
        if count <= 0 { return }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// What POSIX calls PIPE_BUF, on Linux.
  private static let pieceSize = 4096
}

/// Wakes a thread that waits.
private final class Wakeup: Sendable {
  private let reading: Int32
  private let writing: Int32

  init?() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    (reading, writing) = (ends[0], ends[1])
  }

  deinit {
    close(reading)
    close(writing)
  }

  /// A full pipe wakes as well as one with one byte.
  func notify() {
    withUnsafeBytes(of: UInt8(1)) { _ = StandardStream.writeOnce($0, to: writing) }
  }

  /// - Parameter milliseconds: to wait at most; -1 without end.
  func wait(_ milliseconds: Int32) {
    var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 64)
    _ = read(reading, &bytes, bytes.count)
  }
}
