package import Foundation

/// Python with programs of other projects, which `Scripts/bootstrap test` installs below the checkout.
package enum PythonEnvironment {
  package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  package static let python = root.appendingPathComponent(".build-tools/python/bin/python")

  /// True where tests that need the module are to run: in CI it must be there; elsewhere its tests show as skipped.
  package static func wants(_ module: String) -> Bool {
    ProcessInfo.processInfo.environment["CI"] != nil || (try? run(["-c", "import \(module)"], input: .nullDevice))?.status == 0
  }

  package static func run(_ arguments: [String], input: FileHandle) throws -> (status: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = python
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
