import Synchronization
import ValueStreamCore

#if canImport(Glibc)
  package import Glibc
#elseif canImport(Musl)
  package import Musl
#endif

/// A started program with its collected output. It is killed, at the latest, when the last reference goes away.
package final class ChildProcess: Sendable {
  package enum Exit: Equatable {
    case code(Int32)
    case signal(Int32)
  }

  private struct State {
    var output: [UInt8] = []
    var errors: [UInt8] = []
    var exit: Exit?
  }

  /// The state that the reading thread shares. The thread holds no reference to `ChildProcess`, which could never end then.
  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  package let id: pid_t
  private let shared = Shared()

  /// Held while pipes are open that a process started at the same time must not inherit and keep open.
  private static let spawning = Mutex(())

  /// - Parameter environment: The complete environment; the process inherits none.
  package init(_ program: String, _ arguments: [String], environment: [String: String]) throws {
    let (id, output, errors) = try Self.spawning.withLock { _ in
      let output = try Self.pipe()
      let errors = try Self.pipe()
      defer {
        close(output.writing)
        close(errors.writing)
      }
      let (id, error) = Self.spawn(program, arguments, environment, output: output.writing, errors: errors.writing)
      if error == 0 { return (id, output.reading, errors.reading) }
      close(output.reading)
      close(errors.reading)
      throw TestFailure("cannot start \(program): \(String(cString: strerror(error)))")
    }
    self.id = id
    let shared = shared
    _ = OwnThread.start { Self.follow(id, output, errors, shared) }
  }

  private static func spawn(
    _ program: String, _ arguments: [String], _ environment: [String: String], output: Int32, errors: Int32
  ) -> (id: pid_t, error: Int32) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)

    // Reset signal mask and handlers, so that the child does not inherit those of the test runner.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var id: pid_t = 0
    let error = posix_spawn(&id, program, &actions, &attributes, &words, &variables)
    return (id, error)
  }

  deinit {
    send(SIGKILL)
  }

  /// The complete lines of standard output so far.
  package var outputLines: [String] {
    let text = String(decoding: shared.state.withLock(\.output), as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  package var output: String { String(decoding: shared.state.withLock(\.output), as: UTF8.self) }
  package var errors: String { String(decoding: shared.state.withLock(\.errors), as: UTF8.self) }

  /// The exit status, available once all output is read; nil while the process runs.
  package var exit: Exit? { shared.state.withLock(\.exit) }

  package func send(_ signal: Int32) {
    shared.state.withLock { state in
      if state.exit == nil { kill(id, signal) }
    }
  }

  @discardableResult
  package func waitForExit() throws -> Exit {
    try wait(for: "the end of the process") { exit }
  }

  /// Waits until `value` returns a value. After the limit, or if the process ends first, fails with the output of the process.
  @discardableResult
  package func wait<Value>(for what: String, atMost limit: Duration = .seconds(60), _ value: () throws -> Value?) throws -> Value
  {
    let deadline = ContinuousClock.now + limit
    while true {
      let hasEnded = exit != nil
      if let value = try value() { return value }
      guard !hasEnded, ContinuousClock.now < deadline else {
        throw TestFailure("waited in vain for \(what); the process printed:\n\(output)\(errors)")
      }
      usleep(1000)
    }
  }

  private static func pipe() throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    #if canImport(Glibc)
      let result = Glibc.pipe(&ends)
    #else
      let result = Musl.pipe(&ends)
    #endif
    guard result == 0 else { throw TestFailure("no pipe: \(String(cString: strerror(errno)))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private static func follow(_ child: pid_t, _ output: Int32, _ errors: Int32, _ shared: Shared) {
    var entries = [output, errors].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while entries.contains(where: { $0.fd >= 0 }) {
      poll(&entries, nfds_t(entries.count), -1)
      for index in entries.indices where entries[index].fd >= 0 && entries[index].revents != 0 {
        let count = read(entries[index].fd, &piece, piece.count)
        if count > 0 {
          shared.state.withLock { state in
            if index == 0 { state.output += piece.prefix(count) } else { state.errors += piece.prefix(count) }
          }
        } else if count == 0 || errno != EINTR {
          close(entries[index].fd)
          entries[index].fd = -1
        }
      }
    }
    var status: Int32 = 0
    // Do not reap the child yet: until `exit` is set, its id must not pass to another process that `send` would signal.
    var info = siginfo_t()
    while waitid(P_PID, id_t(child), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
    shared.state.withLock { state in
      while waitpid(child, &status, 0) < 0, errno == EINTR {}
      let (code, signal) = (status >> 8 & 0xff, status & 0x7f)
      state.exit = signal == 0 ? .code(code) : .signal(signal)
    }
  }
}

/// An error that ends a test.
package struct TestFailure: Error, CustomStringConvertible {
  package var description: String

  package init(_ description: String) {
    self.description = description
  }
}
