import Glibc
import ValueStreamCore

/// `vsperf`: finds the command, runs it, exit code.
@main
enum VSPerf {
  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch try CommandTable.all.request(in: arguments, environment: Environment.variables) {
      case .show(let text): print(text, terminator: "")
      case .run(let command, let settings): try await command.run(settings)
      }
    } catch let error as UsageError {
      fail("\(error)", ExitCode.usage)
    } catch let error as SettingsError {
      fail("\(error)", ExitCode.usage)
    } catch let error as CommandError {
      fail("\(error)", error.exitCode)
    } catch {
      fail("\(error)", ExitCode.software)
    }
  }

  private static func fail(_ message: String, _ code: Int32) -> Never {
    StandardStream.error.write("vsperf: \(message)\n")
    exit(code)
  }
}
