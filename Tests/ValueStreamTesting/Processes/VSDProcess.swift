import Foundation
import Testing
import ValueStreamCore

/// A running `vsd` binary in its own directory, with no settings except those of the test.
package final class VSDProcess: Sendable {
  /// A home directory with the default store. Starting vsd again in the same home continues with the same store.
  package final class Home: Sendable {
    private let directory: TemporaryDirectory

    package init() throws {
      directory = try TemporaryDirectory()
    }

    package var path: String { directory.path }
    package var store: String { "\(path)/.local/state/valuestream" }

    /// Writes a file into the home directory.
    ///
    /// - Returns: The path of the file.
    package func write(_ name: String, _ text: String) throws -> String {
      try text.write(toFile: directory.file(name), atomically: true, encoding: .utf8)
      return directory.file(name)
    }
  }

  package let home: Home
  private let child: ChildProcess
  /// The ports: first the one for deliveries, then the one for pages, API and metrics if it has its own listener.
  package let ports: [UInt16]

  /// Starts vsd and waits until it listens.
  ///
  /// - Parameter arguments: Flags of vsd. Without an address, it listens on a free loopback port.
  package init(_ arguments: [String] = [], environment: [String: String] = [:], in home: Home? = nil) throws {
    let home = try home ?? Home()
    self.home = home
    child = try Self.start(arguments, environment: environment, in: home)
    let child = child
    let line = try child.wait(for: "the start") {
      try child.outputLines.first { $0.contains("Starting Server") }.map(JSON.init(parsing:))
    }
    ports = (line["listening"]?.list ?? []).compactMap { address in
      address.text?.split(separator: ":").last.flatMap { UInt16($0) }
    }
    try #require(!ports.isEmpty, "no address in \(line)")
  }

  /// Starts vsd without waiting.
  package static func start(_ arguments: [String], environment: [String: String] = [:], in home: Home) throws -> ChildProcess {
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("VS_") && $0.key != "XDG_STATE_HOME" }
    variables["HOME"] = home.path
    variables.merge(environment) { _, new in new }
    let names = arguments.map { $0.drop { $0 == "-" }.prefix { $0 != "=" } }
    let isPlaced = names.contains("addr") || variables["VS_ADDR"] != nil
    return try ChildProcess(
      try binary(), (isPlaced ? [] : ["--addr", "127.0.0.1:0"]) + arguments, environment: variables)
  }

  /// Runs vsd and waits until it exits on its own.
  package static func run(
    _ arguments: [String], environment: [String: String] = [:], in home: Home? = nil
  ) throws -> (exit: ChildProcess.Exit, output: String, errors: String) {
    let child = try start(arguments, environment: environment, in: home ?? Home())
    let exit = try child.waitForExit()
    return (exit, child.output, child.errors)
  }

  /// The path of the binary: `VALUESTREAM_VSD`, or else the one beside the test runner.
  package static func binary() throws -> String {
    if let named = ProcessInfo.processInfo.environment["VALUESTREAM_VSD"] { return named }
    let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = URL(fileURLWithPath: runner).deletingLastPathComponent().appendingPathComponent("vsd").path
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw TestFailure("there is no \(path): build the package with its tests")
    }
    return path
  }

  // MARK: Output

  /// Everything printed so far to standard output and standard error.
  package var printed: String { child.output + child.errors }

  package func logLines() throws -> [JSON] { try child.outputLines.map(JSON.init(parsing:)) }

  @discardableResult
  package func waitForLine(_ what: String, _ matches: (JSON) -> Bool) throws -> JSON {
    try child.wait(for: what) { try logLines().first(where: matches) }
  }

  /// Waits until `value` returns a value. After 60 s, or if vsd ends first, fails with the output of vsd.
  @discardableResult
  package func wait<Value>(for what: String, _ value: () throws -> Value?) throws -> Value {
    try child.wait(for: what, value)
  }

  // MARK: Stopping

  package var hasEnded: Bool { child.exit != nil }

  package var processID: Int32 { child.id }

  package func send(_ signal: Int32) { child.send(signal) }

  @discardableResult
  package func waitForExit() throws -> ChildProcess.Exit { try child.waitForExit() }

  /// Sends SIGTERM, as service managers do, and waits for the exit.
  @discardableResult
  package func stop() throws -> ChildProcess.Exit {
    child.send(SIGTERM)
    return try child.waitForExit()
  }

  // MARK: Requests

  package func connect(toAdmin: Bool = false) throws -> HTTPConnection {
    try HTTPConnection(port: toAdmin ? ports.last ?? 0 : ports[0])
  }

  package func get(_ path: String, headers: [String: String] = [:]) throws -> HTTPConnection.Response {
    try connect().request("GET", path, headers: headers)
  }

  /// Returns the JSON document at a path. Fails unless the status is 200.
  package func json(_ path: String) throws -> JSON {
    let response = try get(path)
    try #require(response.status == 200, "\(path): \(response.body)")
    return try JSON(parsing: response.body)
  }

  /// Waits until reports count everything that was sent. A long history takes a debug build more than a minute on a busy machine.
  package func waitForAllFacts() throws {
    for _ in 0..<300 {
      if try json("/api/v1/reports/dora")["facts"]?["complete"] == .bool(true) { return }
      Thread.sleep(forTimeInterval: 1)
    }
    throw TestFailure("facts are still computed")
  }

  /// Sends a delivery.
  ///
  /// - Returns: Status and body, such as `200 success`.
  @discardableResult
  package func post(_ path: String, _ body: String, headers: [String: String] = [:]) throws -> String {
    let response = try connect().request("POST", path, headers: headers, body: body)
    return "\(response.status) \(response.body)"
  }

  @discardableResult
  package func postGitHub(_ event: String, _ body: String, delivery: String? = nil) throws -> String {
    var headers = ["X-GitHub-Event": event]
    headers["X-GitHub-Delivery"] = delivery
    return try post("/github", body, headers: headers)
  }

  @discardableResult
  package func postCustom(_ body: String) throws -> String { try post("/customhttp", body) }
}

/// The value of the header in which GitHub sends the signature of a body.
package func gitHubSignature(of body: String, secret: String) -> String {
  let code = SwiftMessageAuthenticator().authenticationCode(.sha256, of: Array(body.utf8), key: Array(secret.utf8))
  return "sha256=\(Hex.text(of: code))"
}
