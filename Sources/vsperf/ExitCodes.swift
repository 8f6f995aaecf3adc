import ForgeFetch
import IntakeClient
import ProgramOutput
import ReportClient
import ValueStreamCore

/// An error that makes the program exit with a code of its own.
protocol ExitCodeChoosing: Error, CustomStringConvertible {
  var exitCode: Int32 { get }
}

extension UsageError: ExitCodeChoosing {
  var exitCode: Int32 { ExitCode.usage }
}

extension SettingsError: ExitCodeChoosing {
  var exitCode: Int32 { ExitCode.usage }
}

extension CommandError: ExitCodeChoosing {}

extension OutputError: ExitCodeChoosing {
  var exitCode: Int32 {
    switch code {
    case .unwritable: ExitCode.inputOutput
    case .tooShort: ExitCode.dataError
    }
  }
}

extension FetchError: ExitCodeChoosing {
  var exitCode: Int32 {
    switch code {
    case .unavailable: ExitCode.unavailable
    case .incomplete: ExitCode.incomplete
    case .damagedState: ExitCode.dataError
    case .otherSettings: ExitCode.usage
    case .unwritable: ExitCode.inputOutput
    }
  }
}

extension SendError: ExitCodeChoosing {
  var exitCode: Int32 { ExitCode.unavailable }
}

extension ReportError: ExitCodeChoosing {
  var exitCode: Int32 { code == .unreadable ? ExitCode.dataError : ExitCode.unavailable }
}
