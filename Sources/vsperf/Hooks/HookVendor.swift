import Hooks
import ValueStreamCore

/// A vendor whose webhooks `vsperf webhooks` can set up.
struct HookVendor: Sendable {
  /// The name of the source in vsd.
  var name: String
  var title: String
  /// The settings that say whose webhooks, and with which token.
  var access: [SettingDeclaration]
  /// The settings of `create` alone.
  var creation: [SettingDeclaration]
  /// The secret of vsd that the webhook gets. Nil if the vendor signs with another.
  var secret: SecretSetting?
  /// The flags of an example that say whose webhooks.
  var example: String
  /// What `create` adds to its description.
  var remark: String
  /// For how many days the vendor sends deliveries again. Nil if it never does.
  var redeliveryDays: Int?
  /// Commands that only this vendor has.
  var ownCommands: [Command] = []
  /// Returns the places, each with the scopes of the webhooks to make there.
  var places: @Sendable (Settings, _ words: [String]) async throws -> [Place]

  struct Place: Sendable {
    var service: any HookService
    /// What each webhook is limited to; nil for nothing.
    var scopes: [String?] = [nil]
  }

  /// All vendors, in the order of help texts.
  static let all = [gitHub, gitLab, jira, trello]
}
