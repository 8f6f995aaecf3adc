import APIClient
package import IntakeClient
import ValueStreamCore

/// Takes the deliveries of an import: a vsd, or a file.
package struct ImportSink: ~Copyable {
  private var file: OutputFile?
  private let sender: DeliverySender?
  private let connections: Int
  /// The name for messages.
  let name: String

  /// Writes to a file.
  ///
  /// - Parameter size: the number of bytes of an existing file to keep.
  /// - Throws: `OutputError` if the file cannot be opened.
  package init(file path: String, keeping size: Int64) throws {
    file = try OutputFile(path: path, keeping: size)
    (sender, connections, name) = (nil, 1, path)
  }

  /// Sends to a vsd.
  package init(server: String, sender: DeliverySender, connections: Int) {
    file = nil
    (self.sender, self.connections, name) = (sender, connections, WebAddress.withoutSecrets(server))
  }

  /// Takes the deliveries of a page. Returns when they are in the file, or when vsd has accepted them.
  ///
  /// - Returns: the number of bytes written to the file.
  /// - Throws: `SendError` or `OutputError`.
  mutating func take(_ deliveries: [ImportedDelivery]) async throws -> Int64 {
    let deliveries = deliveries.map { HistoryDelivery($0) }
    if let sender {
      try await sender.send(deliveries, atOnce: connections)
      return 0
    }
    var count: Int64 = 0
    for delivery in deliveries {
      let line = delivery.json
      try file?.writeLine(line)
      count += Int64(line.count) + 1
    }
    try file?.flush()
    return count
  }
}

extension HistoryDelivery {
  init(_ delivery: ImportedDelivery) {
    self.init(path: "/\(delivery.source)", headers: delivery.headers, body: delivery.body, time: delivery.mark.time)
  }
}
