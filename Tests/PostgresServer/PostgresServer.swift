import Dispatch
package import Foundation
import Synchronization

/// A PostgreSQL server in a temporary directory, for all tests of the process. It listens on a socket in that directory only.
package final class PostgresServer: Sendable {
  /// The server that all tests share. It does not sync to disk, because no test crashes the machine.
  package static let shared: Result<PostgresServer, any Error> = Result { try PostgresServer(settings: ["fsync": "off"]) }

  package struct Failure: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
  }

  package let directory: String
  private let settings: [String: String]
  private let process = Mutex<Process?>(nil)
  private static let databases = Atomic<Int>(0)

  /// Returns the path of a program of PostgreSQL or pgbouncer. Debian keeps those of the server outside of the search path.
  package static func program(_ name: String) throws -> String {
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    let ofServer = versions.compactMap(Int.init).sorted(by: >).map { "\(root)/\($0)/bin" }
    let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let found = (ofServer + path + ["/usr/sbin"]).map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
    guard let found else { throw Failure(description: "\(name) is missing: run Scripts/bootstrap test") }
    return found
  }

  package convenience init(settings: [String: String] = [:]) throws {
    try self.init(settings: settings) { directory in
      try Self.runUnprivileged(
        Self.program("initdb"),
        ["-D", "\(directory)/data", "-U", "vs", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])
    }
  }

  /// Makes a streaming standby of another server.
  package convenience init(standbyOf primary: PostgresServer) throws {
    try self.init(settings: primary.settings) { directory in
      try Self.runUnprivileged(
        Self.program("pg_basebackup"),
        ["-D", "\(directory)/data", "-h", primary.directory, "-U", "vs", "-R", "-X", "stream", "-c", "fast", "--no-sync"])
    }
  }

  private init(settings: [String: String], fill: (_ directory: String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("vspg-\(UUID().uuidString.prefix(8))").path
    self.directory = directory
    self.settings = settings
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    Self.giveAway(directory)
    try fill(directory)
    try start()
    removeAtExit(directory)
  }

  /// Makes a standby take over.
  package func promote() throws {
    try run("SELECT pg_promote()")
  }

  /// Starts the server, and waits until it takes connections.
  package func start() throws {
    var arguments = ["-D", "\(directory)/data", "-k", directory, "-c", "listen_addresses=", "-c", "max_connections=200"]
    for (name, value) in settings.sorted(by: { $0.key < $1.key }) { arguments += ["-c", "\(name)=\(value)"] }
    let server = try Self.unprivileged(Self.program("postgres"), arguments)
    server.standardOutput = FileHandle.nullDevice
    server.standardError = FileHandle.nullDevice
    try server.run()
    process.withLock { $0 = server }
    Self.running.withLock { $0.append(server.processIdentifier) }
    for _ in 0..<600 {
      if isReady { return }
      usleep(50_000)
    }
    throw Failure(description: "the server in \(directory) does not start")
  }

  /// True if the server takes connections. Its socket is there before it does.
  private var isReady: Bool {
    guard let probe = try? Process.run(URL(fileURLWithPath: Self.program("pg_isready")), arguments: ["-q", "-h", directory])
    else {
      return false
    }
    return Self.waitForEnd(of: probe)
  }

  /// Runs statements with psql.
  ///
  /// - Returns: What it prints, with one line a row, without headings.
  @discardableResult
  package func run(_ sql: String, in database: String = "postgres") throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Self.program("psql"))
    process.arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", directory, "-U", "vs", "-d", database, "-c", sql]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    guard Self.waitForEnd(of: process) else { throw Failure(description: "\(sql): \(text)") }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Creates a database.
  ///
  /// - Returns: Its address.
  package func newDatabase() throws -> String {
    let name = "test_\(Self.databases.add(1, ordering: .relaxed).newValue)"
    try run("CREATE DATABASE \(name)")
    return "postgres:///\(name)?host=\(directory)&user=vs"
  }

  /// Stops the server: SIGINT ends connections, SIGKILL is a crash.
  ///
  /// Returns after all processes of the server have ended. Those that serve connections live a little longer after a crash, and
  /// still commit.
  package func stop(_ signal: Int32 = SIGINT) {
    guard let server = process.withLock({ $0.take() }) else { return }
    // The server runs as a child of setpriv, which becomes it. So the process is the server itself.
    let number = server.processIdentifier
    let children = try? String(contentsOfFile: "/proc/\(number)/task/\(number)/children", encoding: .utf8)
    kill(number, signal)
    Self.waitForEnd(of: server)
    for child in (children ?? "").split(separator: " ").compactMap({ Int32($0) }) {
      for _ in 0..<6000 where kill(child, 0) == 0 { usleep(5_000) }
    }
  }

  package var address: String { "postgres:///postgres?host=\(directory)&user=vs" }

  // MARK: Processes

  private static let running = Mutex<[Int32]>([])

  /// Waits for the end of a process. Foundation does not notice it while another process has inherited its descriptors.
  ///
  /// - Returns: True if the process was successful.
  @discardableResult
  package static func waitForEnd(of process: Process) -> Bool {
    var status: Int32 = 0
    for _ in 0..<6000 {
      let ended = waitpid(process.processIdentifier, &status, WNOHANG)
      if ended == process.processIdentifier { return status == 0 }
      // Foundation has noticed it.
      if ended == -1, !process.isRunning { return process.terminationStatus == 0 }
      usleep(5_000)
    }
    return false
  }

  package static func unprivileged(_ program: String, _ arguments: [String]) throws -> Process {
    let process = Process()
    // PostgreSQL refuses to run as root.
    if getuid() == 0 {
      process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
      process.arguments = ["--reuid=nobody", "--regid=nogroup", "--clear-groups", program] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
    }
    process.currentDirectoryURL = URL(fileURLWithPath: "/")
    return process
  }

  private static func runUnprivileged(_ program: String, _ arguments: [String]) throws {
    let process = try unprivileged(program, arguments)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    guard waitForEnd(of: process) else {
      throw Failure(description: "\(program) failed: \(String(decoding: text, as: UTF8.self))")
    }
  }

  /// Makes the user of the servers the owner of a file, if this process runs as root.
  package static func giveAway(_ path: String) {
    guard getuid() == 0, let nobody = getpwnam("nobody") else { return }
    _ = chown(path, nobody.pointee.pw_uid, nobody.pointee.pw_gid)
  }

  /// Ends the servers, and removes their directories when the process exits.
  private func removeAtExit(_ directory: String) {
    Self.directories.withLock { directories in
      if directories.isEmpty {
        atexit {
          for process in PostgresServer.running.withLock(\.self) { kill(process, SIGQUIT) }
          usleep(200_000)
          for directory in PostgresServer.directories.withLock(\.self) { try? FileManager.default.removeItem(atPath: directory) }
        }
      }
      directories.append(directory)
    }
  }

  private static let directories = Mutex<[String]>([])
}
