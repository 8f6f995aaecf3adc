import Foundation
import ValueStreamTesting

/// A vsd for the commands of a page, which run in its directory. It ends when the last reference goes away.
final class RunningDaemon {
  private let vsd: VSDProcess

  /// The working directory of scripts, removed with the daemon.
  var directory: URL { URL(fileURLWithPath: vsd.home.path) }
  /// The host and port, such as `127.0.0.1:41234`.
  var address: String { "127.0.0.1:\(vsd.ports[0])" }

  /// - Parameters:
  ///   - arguments: Flags in addition to those for address and store.
  ///   - environment: Variables in addition to those of the tests.
  init(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
    let home = try VSDProcess.Home()
    vsd = try VSDProcess(
      ["--addr=127.0.0.1:0", "--store=\(home.path)/store"] + arguments,
      environment: ["PATH": try Self.path()].merging(environment) { _, given in given }, in: home)
  }

  /// The search path for programs, with the directory of this vsd first.
  static func path() throws -> String {
    let programs = URL(fileURLWithPath: try VSDProcess.binary()).deletingLastPathComponent().path
    return "\(programs):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"
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
    shell.environment = ["PATH": try Self.path()]
    shell.standardInput = FileHandle.nullDevice
    shell.standardOutput = output
    shell.standardError = output
    try shell.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    shell.waitUntilExit()
    guard !vsd.hasEnded else { throw TestFailure("vsd ended:\n\(vsd.printed)") }
    return String(decoding: data, as: UTF8.self)
  }
}
