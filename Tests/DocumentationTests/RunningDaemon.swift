import Foundation

/// A vsd process on a free loopback port with its own store. It stops when the last reference goes away.
final class RunningDaemon {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private let process = Process()
  /// The working directory of scripts, removed with the daemon.
  let directory: URL
  /// The host and port, such as `127.0.0.1:41234`.
  let address: String

  /// - Parameters:
  ///   - arguments: Flags in addition to those for address and store.
  ///   - environment: Variables in addition to `PATH`.
  init(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("vsd-docs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let log = directory.appendingPathComponent("vsd.log")
    try Data().write(to: log)
    let output = try FileHandle(forWritingTo: log)
    process.executableURL = Self.program
    process.arguments = ["--addr=127.0.0.1:0", "--store=\(directory.path)/store"] + arguments
    process.environment = environment.merging(["PATH": Self.path]) { given, _ in given }
    process.standardOutput = output
    process.standardError = output
    try process.run()
    address = try Self.address(in: log, of: process)
  }

  deinit {
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: directory)
  }

  /// The search path for programs, with the directory of this vsd first.
  static let path =
    program.deletingLastPathComponent().path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")

  /// The vsd binary that was built beside the tests.
  private static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appendingPathComponent("vsd")

  /// Waits until the log names the listen address; throws if the process exits first.
  private static func address(in log: URL, of process: Process) throws -> String {
    while true {
      let text = try String(contentsOf: log, encoding: .utf8)
      if let match = text.firstMatch(of: /"listening":\["([^"]*)"/) { return String(match.output.1) }
      guard process.isRunning else { throw Failure(description: "vsd did not start:\n\(text)") }
      usleep(10_000)
    }
  }

  /// Runs a shell script in the daemon's directory for at most 120 seconds.
  ///
  /// - Returns: Standard output and standard error together.
  func run(_ script: String) throws -> String {
    let shell = Process()
    let output = Pipe()
    // A page that shows a command which never ends must fail instead of blocking the tests.
    shell.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
    shell.arguments = ["120", "/bin/sh", "-c", script]
    shell.currentDirectoryURL = directory
    shell.environment = ["PATH": Self.path]
    shell.standardInput = FileHandle.nullDevice
    shell.standardOutput = output
    shell.standardError = output
    try shell.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    shell.waitUntilExit()
    guard process.isRunning else {
      let log = try String(contentsOf: directory.appendingPathComponent("vsd.log"), encoding: .utf8)
      throw Failure(description: "vsd ended (\(process.terminationReason) \(process.terminationStatus)):\n\(log)")
    }
    return String(decoding: data, as: UTF8.self)
  }
}
