import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes lines to a stream from its own thread, so that a slow reader blocks no caller.
///
/// The queue is bounded. Lines that do not fit are dropped and counted, and a line reports their number once there is room
/// again.
package final class LineQueue: Sendable {
  private struct State {
    var waiting: [[UInt8]] = []
    /// Bytes that are queued or being written.
    var bytes = 0
    var lost: UInt64 = 0
    /// Dropped lines that no line has reported yet.
    var untold: UInt64 = 0
    var isFinishing = false
  }

  private let state = Mutex(State())
  private let descriptor: Int32
  private let limit: Int
  private let lossLine: @Sendable (_ count: UInt64) -> [UInt8]
  /// Wakes the thread when there is work.
  private let work: Wakeup
  /// Wakes ``finish(atMost:)`` when the thread is done.
  private let done: Wakeup

  /// Starts the thread; nil if the system cannot provide a thread or file descriptors.
  ///
  /// - Parameters:
  ///   - descriptor: The file descriptor of the stream. The queue does not close it.
  ///   - limit: The number of bytes that may be queued. An empty queue accepts one line of any length.
  ///   - lossLine: Makes the line that reports dropped lines.
  package init?(
    to descriptor: Int32 = STDOUT_FILENO, limit: Int = 4 << 20, lossLine: @escaping @Sendable (_ count: UInt64) -> [UInt8]
  ) {
    guard let work = Wakeup(), let done = Wakeup() else { return nil }
    self.work = work
    self.done = done
    self.descriptor = descriptor
    self.limit = limit
    self.lossLine = lossLine
    // The thread keeps the queue alive until `finish` is called.
    guard OwnThread.start({ self.serve() }) else { return nil }
  }

  /// True if less than half of the limit is in use.
  package var hasRoom: Bool { state.withLock(\.bytes) < limit / 2 }

  /// The number of dropped lines.
  package var lostCount: UInt64 { state.withLock(\.lost) }

  /// Queues a line, or drops and counts it if there is no room. Never blocks.
  package func write(_ line: [UInt8]) {
    let isTaken = offer(line)
    if !isTaken {
      state.withLock { state in
        state.lost += 1
        state.untold += 1
      }
    }
  }

  /// Queues lines if there is room for all of them. Never blocks.
  ///
  /// - Returns: False if there is no room; the lines are then neither queued nor counted as dropped.
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

  /// Asks the thread to end after it has written everything, and waits until it ends or the time is over.
  ///
  /// - Parameter milliseconds: The longest time to wait; -1 for no limit.
  package func finish(atMost milliseconds: Int32) {
    state.withLock { $0.isFinishing = true }
    work.notify()
    done.wait(milliseconds)
  }

  // MARK: Writing thread

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

  /// Writes a line. If the stream fails, drops the rest of the line, because nobody reads it any more.
  private func put(_ line: [UInt8]) {
    // `poll` waits forever for a negative descriptor.
    guard descriptor >= 0 else { return }
    line.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        // A pipe that is ready for writing has room for this much, so the write does not block.
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceSize))
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&entry, 1, -1) < 0 { continue }
        let count = DescriptorWriting.writeOnce(piece, to: descriptor)
        if count <= 0 { return }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// The value of PIPE_BUF on Linux, in bytes.
  private static let pieceSize = 4096
}

/// Wakes a waiting thread through a pipe.
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

  /// Wakes the waiting thread. Does nothing if the pipe is full, because that wakes the thread as well.
  func notify() {
    withUnsafeBytes(of: UInt8(1)) { _ = DescriptorWriting.writeOnce($0, to: writing) }
  }

  /// Waits until `notify` is called.
  ///
  /// - Parameter milliseconds: The longest time to wait; -1 for no limit.
  func wait(_ milliseconds: Int32) {
    var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 64)
    _ = read(reading, &bytes, bytes.count)
  }
}
