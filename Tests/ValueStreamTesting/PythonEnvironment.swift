package import Foundation

/// The Python environment with tools of other projects, which `Scripts/bootstrap test` installs in the checkout.
package enum PythonEnvironment {
  package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  package static let python = root.appendingPathComponent(".build-tools/python/bin/python")

  /// True if tests that need a module should run.
  ///
  /// In CI the module must be installed; elsewhere its tests are skipped without it.
  package static func wants(_ module: String) -> Bool {
    ProcessInfo.processInfo.environment["CI"] != nil || (try? run(["-c", "import \(module)"], input: .nullDevice))?.status == 0
  }

  /// - Parameter directory: where Python runs; nil for the directory of this process.
  package static func run(
    _ arguments: [String], input: FileHandle, in directory: URL? = nil
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = python
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = directory }
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
