import Glibc
import Synchronization
import ValueStreamCore

/// A child process that shares this program's input and output and gets its signals.
struct ChildCommand: Sendable {
  enum Exit: Sendable, Equatable {
    case status(Int32)
    case signal(Int32)

    /// The exit code as a shell reports it: 128 plus the number of the signal if a signal ended the process.
    var code: Int32 {
      switch self {
      case .status(let status): status
      case .signal(let signal): 128 + signal
      }
    }
  }

  private let id: pid_t

  /// Starts the child process.
  ///
  /// - Parameters:
  ///   - words: The program, which is searched for in `PATH`, and its arguments.
  ///   - environment: The complete environment.
  /// - Throws: ``CommandError`` with the exit code of a shell: 127 if the program is not found, 126 if it cannot be
  ///   run.
  init(_ words: [String], environment: [String: String]) throws(CommandError) {
    SignalRelay.install()
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Clears the signal mask, so that the child does not inherit signals that this thread blocks.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var child: pid_t = 0
    let error = posix_spawnp(&child, words.first ?? "", nil, &attributes, &arguments, &variables)
    guard error == 0 else {
      throw CommandError("cannot run \(words.first ?? ""): \(String(cString: strerror(error)))", error == ENOENT ? 127 : 126)
    }
    id = child
    SignalRelay.begin(to: child)
  }

  /// Waits until the child exits.
  func wait() async throws -> Exit {
    let id = id
    return try await OwnThread.run {
      var status: Int32 = 0
      while waitpid(id, &status, 0) < 0, errno == EINTR {}
      SignalRelay.end()
      let signal = status & 0x7F
      return signal == 0 ? .status((status >> 8) & 0xFF) : .signal(signal)
    }
  }
}

/// Forwards signals to the child. There can be only one child.
private enum SignalRelay {
  private static let signals = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2]
  private static let child = Atomic<pid_t>(0)
  /// A signal that arrived before the child started; 0 if there is none.
  private static let early = Atomic<Int32>(0)

  static func install() {
    // Initializes the static variables now, because that is not safe in a signal handler.
    _ = (child.load(ordering: .relaxed), early.load(ordering: .relaxed))
    for signal in signals {
      var before = sigaction()
      sigaction(signal, nil, &before)
      // Keeps ignored signals ignored, here and in the child, so that `nohup` works.
      if unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == Int(bitPattern: 1) { continue }
      var action = sigaction()
      action.sa_flags = SA_SIGINFO | Int32(SA_RESTART)
      action.__sigaction_handler.sa_sigaction = { signal, info, _ in
        // The terminal sends its signals to the child as well.
        if let info, info.pointee.si_code > 0 { return }
        let child = SignalRelay.child.load(ordering: .sequentiallyConsistent)
        if child > 0 { kill(child, signal) } else { SignalRelay.early.store(signal, ordering: .sequentiallyConsistent) }
      }
      sigaction(signal, &action, nil)
    }
  }

  static func begin(to id: pid_t) {
    child.store(id, ordering: .sequentiallyConsistent)
    let signal = early.exchange(0, ordering: .sequentiallyConsistent)
    if signal > 0 { kill(id, signal) }
  }

  static func end() {
    child.store(0, ordering: .sequentiallyConsistent)
  }
}
