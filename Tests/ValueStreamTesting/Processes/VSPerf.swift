import Foundation

/// Runs the built `vsperf` and waits for its exit.
package enum VSPerf {
  package struct Result {
    package var exit: ChildProcess.Exit
    package var output: String
    package var errors: String
  }

  /// - Parameter environment: Additional variables. The process inherits all others except `VS_*` and `*_proxy`.
  package static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Result {
    let child = try start(arguments, environment: environment)
    let exit = try child.waitForExit()
    return Result(exit: exit, output: child.output, errors: child.errors)
  }

  package static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> ChildProcess {
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("VS_") && !$0.key.hasSuffix("_proxy") }
    variables.merge(environment) { _, new in new }
    return try ChildProcess(try binary(), arguments, environment: variables)
  }

  /// The binary beside the test runner.
  package static func binary() throws -> String {
    let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = URL(fileURLWithPath: runner).deletingLastPathComponent().appendingPathComponent("vsperf").path
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw TestFailure("there is no \(path): build the package with its tests")
    }
    return path
  }
}
