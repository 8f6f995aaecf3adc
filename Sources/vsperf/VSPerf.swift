import Glibc
import ProgramOutput
import ValueStreamCore

/// The entry point of `vsperf`: finds the command, runs it and sets the exit code.
@main
enum VSPerf {
  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch try Program.commands.request(in: arguments, environment: Environment.variables) {
      case .show(let text): print(text, terminator: "")
      case .run(let command, let settings): try await run(command, settings)
      }
    } catch let error as any ExitCodeChoosing {
      fail("\(error)", error.exitCode)
    } catch let error as ExitStatus {
      exit(error.code)
    } catch {
      fail("\(error)", ExitCode.software)
    }
  }

  private static func run(_ command: Command, _ settings: Settings) async throws {
    do {
      try await command.run(settings)
    } catch let error as SettingsError {
      throw UsageError("\(error)", seeing: command.words)
    }
  }

  private static func fail(_ message: String, _ code: Int32) -> Never {
    StandardStream.error.write("\(Program.name): \(message)\n")
    exit(code)
  }
}
