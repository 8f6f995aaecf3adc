import Glibc
import Intake
import ValueStreamCore

/// `vsd`: options, wiring, exit code.
@main
enum VSD {
  /// Of sysexits.h.
  private enum ExitCode {
    static let usage: Int32 = 64
    static let unavailable: Int32 = 69
    static let software: Int32 = 70
    static let inputOutput: Int32 = 74
  }

  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.contains(where: { ["--help", "-help", "-h"].contains($0) }) {
      print(HelpPage.text, terminator: "")
      return
    }
    if arguments.contains(where: { ["--version", "-version"].contains($0) }) {
      print("vsd \(ValueStreamVersion.current)")
      return
    }
    do {
      let settings = try DaemonSettings(arguments: arguments, environment: Environment.variables, readFile: Environment.readFile)
      try await Daemon(settings: settings, logger: Logger(threshold: settings.logLevel)).run()
    } catch let error as SettingsError {
      fail("\(error); vsd --help lists what can be set", ExitCode.usage)
    } catch let error as ListenError {
      fail("\(error)", ExitCode.unavailable)
    } catch let error as StoreError {
      fail("\(error)", ExitCode.inputOutput)
    } catch {
      fail("\(error)", ExitCode.software)
    }
  }

  private static func fail(_ message: String, _ code: Int32) -> Never {
    let line = "vsd: \(message)\n"
    _ = line.utf8.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(code)
  }
}
