import Foundation
import ValueStreamTesting

/// Runs the built `vsperf` and waits for its exit.
enum VSPerf {
  struct Result {
    var exit: ChildProcess.Exit
    var output: String
    var errors: String
  }

  /// - Parameter environment: Additional variables. The process inherits all others except `VS_*` and `*_proxy`.
  static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Result {
    let child = try start(arguments, environment: environment)
    let exit = try child.waitForExit()
    return Result(exit: exit, output: child.output, errors: child.errors)
  }

  static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> ChildProcess {
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("VS_") && !$0.key.hasSuffix("_proxy") }
    variables.merge(environment) { _, new in new }
    return try ChildProcess(try binary(), arguments, environment: variables)
  }

  /// The binary beside the test runner.
  static func binary() throws -> String {
    let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = URL(fileURLWithPath: runner).deletingLastPathComponent().appendingPathComponent("vsperf").path
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw TestFailure("there is no \(path): build the package with its tests")
    }
    return path
  }
}
