import APIClient
import ReportClient
import Simulator
import ValueStreamCore

/// Takes the deliveries of an import: a vsd, or a file.
struct ImportSink: ~Copyable {
  private var file: Output?
  private let sender: DeliverySender?
  private let connections: Int
  /// The name for messages.
  let name: String

  /// Writes to a file.
  ///
  /// - Parameter size: the number of bytes of an existing file to keep.
  init(file path: String, keeping size: Int64) throws {
    file = try Output(path: path, keeping: size)
    (sender, connections, name) = (nil, 1, path)
  }

  /// Sends to a vsd.
  init(server: String, sender: DeliverySender, connections: Int) {
    file = nil
    (self.sender, self.connections, name) = (sender, connections, WebAddress.withoutSecrets(server))
  }

  /// Takes the deliveries of a page. Returns when they are in the file, or when vsd has accepted them.
  ///
  /// - Returns: the number of bytes written to the file.
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

extension DeliverySender {
  /// Sends deliveries, several at a time.
  func send(_ deliveries: [HistoryDelivery], atOnce connections: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, delivery) in deliveries.enumerated() {
        if index >= connections { try await group.next() }
        group.addTask { try await send(delivery) }
      }
      try await group.waitForAll()
    }
  }
}

extension HistoryDelivery {
  init(_ delivery: ImportedDelivery) {
    self.init(path: "/\(delivery.source)", headers: delivery.headers, body: delivery.body, time: delivery.mark.time)
  }
}
