import APIClient
import CurlTransport
import ForgeFetch
import ProgramOutput
import ValueStreamCore

/// The settings that the commands about webhooks share.
enum HookSettings {
  static let address = Setting<String?>(
    "url", environment: "", placeholder: "URL", default: nil, defaultText: nil,
    help: "Address of vsd's route as the vendor reaches it, such as https://vs.example.org/github."
  ) { text throws(SettingError) in
    try WebAddress.setting(text, example: "https://vs.example.org/github")
  }

  static let update = Setting<Bool>.toggle(
    "update", environment: "", help: "Change a webhook with this address that is there already, its secret included.")

  static let dryRun = Setting<Bool>.toggle(
    "dry-run", environment: "", help: "Only say what would be asked for.")

  static let connection = [FetchSettings.authority.declaration, FetchSettings.proxy.declaration]

  /// Returns the client for a vendor's API, which reports long waits.
  static func client(_ settings: Settings) throws(SettingsError) -> APIClient {
    let progress = FetchProgress(isAlone: false)
    return APIClient(transport: try FetchSettings.transport(settings), report: { progress.note($0) })
  }

  /// Reads a file that must be there.
  static func content(of setting: Setting<String?>, _ settings: Settings) throws -> [UInt8]? {
    guard let path = try settings.value(of: setting) else { return nil }
    guard let bytes = Environment.readFile(path) else {
      throw CommandError("\(settings.origin(of: setting)): \(UnreadableFile(path))", ExitCode.noInput)
    }
    return bytes
  }
}
