import Intake
import IntakeClient
import ProgramOutput
import ValueStreamCore

extension Command {
  static let importSend = Command(
    words: ["import", "send"], summary: "send a file of imported deliveries to a vsd",
    description: """
      Sends the deliveries in files that vsperf import --out or vsperf generate history --out wrote, as
      imported ones. Sending a file again changes nothing.
      """,
    declarations: [ImportSettings.server.declaration, ImportSettings.connections.declaration]
      + IntakeSettings.importSecret.declarations + [FetchSettings.authority.declaration, FetchSettings.proxy.declaration],
    operands: "FILE...",
    examples: [("Send a file", "vsperf import send site.ndjson --server http://127.0.0.1:5000")],
    run: { try await ImportSendCommand.run($0) })
}

/// Implements `vsperf import send`.
enum ImportSendCommand {
  static func run(_ settings: Settings) async throws {
    let words = Command.importSend.words
    guard let server = try settings.value(of: ImportSettings.server) else {
      throw UsageError("where to? --server URL of a vsd", seeing: words)
    }
    let paths = Array(settings.operands.dropFirst(words.count))
    guard !paths.isEmpty else { throw UsageError("which files?", seeing: words) }
    let sender = try ImportSettings.sender(to: server, settings)
    let connections = try settings.value(of: ImportSettings.connections)
    var report = DeliveryReport(verb: "sent")
    for path in paths {
      var lines = try LineFile(path)
      var number = 0
      while case let batch = try lines.next(atMost: batchSize), !batch.isEmpty {
        let deliveries = try batch.map { line in
          number += 1
          guard let delivery = HistoryDelivery(line: line) else {
            throw CommandError("\(path):\(number) is no delivery; the lines before it are sent", ExitCode.dataError)
          }
          return delivery
        }
        try await sender.send(deliveries, atOnce: connections)
        for delivery in deliveries { report.count(delivery) }
      }
    }
    report.finish()
  }

  private static let batchSize = 500
}
