import APIClient
import TrelloImport
import ValueStreamCore

extension Command {
  static let importTrello = Command(
    words: ["import", "trello"], summary: "import the history of Trello boards",
    description: """
      Reads the actions of boards, from the newest to the oldest. In everything else it works like
      vsperf import github.
      """,
    declarations: TrelloImportCommand.declarations,
    examples: [
      ("Import a board into a vsd on this machine", "vsperf import trello --board 5abbe4b7 --server http://127.0.0.1:5000")
    ],
    run: { try await TrelloImportCommand.run($0) })
}

/// Implements `vsperf import trello`.
enum TrelloImportCommand {
  private static let address = FetchSettings.address("TRELLO", of: "Trello's API", default: "https://api.trello.com")

  private static let board = Setting<String?>.optionalText(
    "board", environment: "", placeholder: "ID", help: "Id or short link of a board. Repeat for more.")

  private static let key = Setting<String?>.optionalText(
    "api-key", environment: "VS_TRELLO_KEY", placeholder: "KEY", help: "Key of your Trello app.")

  private static let token = Setting<String?>.optionalText(
    "access-token", environment: "VS_TRELLO_TOKEN", placeholder: "TOKEN",
    help: "Token of the app that may read the boards. Prefer the variable: process lists show flags.")

  private static let content = [address.declaration, board.declaration] + ImportSettings.content
  static let declarations = content + [key.declaration, token.declaration] + ImportSettings.access

  static func run(_ settings: Settings) async throws {
    let words = Command.importTrello.words
    let boards = try settings.values(of: board).compactMap { $0 }
    guard !boards.isEmpty else { throw UsageError("which boards? --board ID", seeing: words) }
    let history = try Import(settings, words: words, content: content)
    guard let key = try FetchSettings.token(key, in: settings), let token = try FetchSettings.token(token, in: settings) else {
      throw UsageError(
        "Trello wants a key and a token: make both at https://trello.com/power-ups/admin, and set VS_TRELLO_KEY and VS_TRELLO_TOKEN",
        seeing: words)
    }
    let importer = TrelloImporter(
      try settings.value(of: address) ?? "", key: key, token: token, client: history.client, boards: boards,
      period: try ImportSettings.period(settings))
    try await history.run(importer, settings)
  }
}
