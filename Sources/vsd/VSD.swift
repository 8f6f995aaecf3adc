internal import CReleaseStamp
import Glibc
import Intake
import ProgramOutput
import ValueStreamCore

/// The entry point of `vsd`: parses arguments, runs the daemon or a command, and sets the exit code.
@main
enum VSD {
  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.contains(where: { ["--help", "-help", "-h"].contains($0) }) {
      print(arguments.contains("all") ? HelpPage.all : HelpPage.text, terminator: "")
      return
    }
    if arguments.contains(where: { ["--version", "-version"].contains($0) }) {
      print("vsd \(ValueStreamVersion.shown(stamp: String(cString: release_stamp())))")
      return
    }
    do {
      try OpenFiles.allow()
      var files: [String: [UInt8]] = [:]
      // Reads each file once, because it may be a pipe.
      let settings = try DaemonSettings(arguments: arguments, environment: Environment.variables) { path in
        if files[path] == nil { files[path] = Environment.readFile(path) }
        return files[path]
      }
      if settings.words.first == ReplayCommand.name {
        return try ReplayCommand(Array(settings.words.dropFirst()), settings).run()
      }
      if settings.words.first == CheckCommand.name {
        if try !CheckCommand(Array(settings.words.dropFirst()), settings).run() { exit(ExitCode.dataError) }
        return
      }
      if settings.words.first == MigrateCommand.name {
        return try MigrateCommand(Array(settings.words.dropFirst()), settings).run()
      }
      if settings.words.first == BackupCommand.name {
        return try BackupCommand(Array(settings.words.dropFirst()), settings).run()
      }
      let logger = Logger(threshold: settings.logLevel, write: StandardOutput.write)
      for variable in DaemonSettings.unknownVariables(in: Environment.variables) {
        let hint = variable.meant.map { "; is \($0) meant?" } ?? ""
        logger.warn("the variable \(variable.name) is not a setting of vsd\(hint)")
      }
      let reload = try SecretReload(arguments: arguments, environment: Environment.variables, files: files)
      try await Daemon(settings: settings, reload: reload, logger: logger).run()
      StandardOutput.finish()
    } catch let error as SettingsError {
      fail("\(error); vsd --help all lists what can be set", ExitCode.usage)
    } catch let error as OpenFiles.Shortage {
      fail("\(error)", ExitCode.system)
    } catch let error as ListenError {
      fail("\(error)", ExitCode.unavailable)
    } catch let error as StoreError {
      fail("\(error)", ExitCode.inputOutput)
    } catch {
      fail("\(error)", ExitCode.software)
    }
  }

  private static func fail(_ message: String, _ code: Int32) -> Never {
    StandardOutput.finish()
    StandardStream.error.write("vsd: \(message)\n")
    exit(code)
  }
}
