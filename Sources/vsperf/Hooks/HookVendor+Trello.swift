import APIClient
import ProgramOutput
import TrelloHooks
import ValueStreamCore

extension HookVendor {
  private static let trelloAddress = FetchSettings.address(
    "TRELLO", flag: "trello-url", of: "Trello's API", default: "https://api.trello.com")

  private static let board = Setting<String?>.optionalText(
    "board", environment: "", placeholder: "BOARD",
    help: "Board, by the short link in its address (HbrS1te0) or its id. Repeat for more.")

  private static let trelloKey = Setting<String?>.optionalText(
    "key", environment: "VS_TRELLO_KEY", placeholder: "KEY", help: "Key of the Power-Up that the token belongs to. No secret.")

  private static let trelloToken = Setting<String?>.optionalText(
    "access-token", environment: "VS_TRELLO_TOKEN", placeholder: "TOKEN",
    help: "Token of a user who sees the boards. Prefer the variable: process lists show flags.")

  private static let webhook = Setting<String?>.optionalText(
    "id", environment: "", placeholder: "ID", help: "Webhook to delete.")

  private static let trelloAccess = [trelloKey.declaration, trelloToken.declaration, trelloAddress.declaration]

  static let trello = HookVendor(
    name: "trello", title: "Trello", access: [board.declaration] + trelloAccess, creation: [], secret: nil,
    example: "--board HbrS1te0",
    remark:
      "\nvsd must run: Trello asks the address before it makes a webhook. It signs with the secret of the Power-Up.",
    ownCommands: [delete]
  ) { settings, words in
    let service = try trelloService(settings, words)
    let boards = try settings.values(of: board).compactMap { $0 }
    if words.contains("create"), boards.isEmpty { throw UsageError("which boards? --board SHORTLINK", seeing: words) }
    var scopes: [String?] = []
    for board in boards { scopes.append(try await service.board(board)) }
    return [Place(service: service, scopes: scopes.isEmpty ? [nil] : scopes)]
  }

  private static func trelloService(_ settings: Settings, _ words: [String]) throws -> TrelloHooks {
    guard let key = try settings.value(of: trelloKey) else {
      throw UsageError("which key has the Power-Up? --key KEY or VS_TRELLO_KEY", seeing: words)
    }
    guard let token = try FetchSettings.token(trelloToken, in: settings) else {
      throw UsageError("Trello wants a token of somebody who sees the boards: set VS_TRELLO_TOKEN", seeing: words)
    }
    return TrelloHooks(
      try settings.value(of: trelloAddress) ?? "", key: key, token: token, client: try HookSettings.client(settings))
  }

  private static let delete = Command(
    words: ["webhooks", "delete", "trello"], summary: "delete a webhook at Trello, which shows them on no page",
    description: "Deletes the webhook with an id that vsperf webhooks list trello shows.",
    declarations: trelloAccess + [webhook.declaration] + HookSettings.connection,
    examples: [("One that is not needed any more", "vsperf webhooks delete trello --id 65e58d90a1b2c3d4e5f6e001")],
    run: { settings in
      let words = ["webhooks", "delete", "trello"]
      guard let id = try settings.value(of: webhook) else {
        throw UsageError("which webhook? --id ID; vsperf webhooks list trello shows them", seeing: words)
      }
      do {
        try await trelloService(settings, words).delete(id)
      } catch let error as APIError {
        throw CommandError(error.description, ExitCode.unavailable)
      }
      StandardStream.output.write("deleted webhook \(id)\n")
    })
}
