import Foundation
import GitHubWebhooks
import SQLiteStore
import Simulator
import ValueStreamCore

/// A generated history in a store. Its finished spans are in the outbox, and none is exported.
struct StoredHistory {
  /// Holds the filled store and temporary copies.
  private let directory: URL
  private static let deliveriesAtOnce = 256

  /// Generates a history and writes it to a new store.
  ///
  /// - Parameter directory: An existing, empty directory.
  init(in directory: String) throws {
    self.directory = URL(fileURLWithPath: directory)
    let store = try SQLiteSpanStore(directory: self.directory.appending(path: "filled").path)
    defer { store.close() }
    let source = GitHubSource()
    let until = Timestamp(seconds: 1_767_225_600)
    let history = Array(HistoryGenerator(HistoryConfiguration(seed: 1, scale: 4, until: until)))
    for start in stride(from: 0, to: history.count, by: Self.deliveriesAtOnce) {
      var correlation = Correlation(store: store)
      for sent in history[start..<min(start + Self.deliveriesAtOnce, history.count)] {
        let delivery = Delivery(source: source.name, received: sent.time, headers: sent.headers, body: sent.body)
        guard case .events(let events, let updates) = try source.events(in: delivery) else { continue }
        for event in events { _ = try correlation.take(event) }
        for update in updates { correlation.take(update) }
      }
      let outboxEntries = try Self.announce(&correlation, at: until)
      var changes = correlation.finish()
      changes.outboxEntries = outboxEntries
      try store.write(changes)
    }
  }

  private static func announce(_ correlation: inout Correlation, at time: Timestamp) throws -> [OutboxEntry] {
    var outboxEntries: [OutboxEntry] = []
    for key in correlation.changedKeys {
      guard var subject = try correlation.subject(key) else { continue }
      let news = subject.spans().filter { $0.isFinished && !subject.outboxAttempts.contains($0.attempt) }.map(\.attempt)
      guard !news.isEmpty else { continue }
      subject.outboxAttempts += news
      outboxEntries += news.map { OutboxEntry(key: key, attempt: $0, time: time) }
      correlation.update(subject)
    }
    return outboxEntries
  }

  /// Passes a fresh copy of the store to `body` and removes the copy afterwards.
  func withCopy<Result>(_ body: (SQLiteSpanStore) async throws -> Result) async throws -> Result {
    let copy = directory.appending(path: "copy")
    try FileManager.default.copyItem(at: directory.appending(path: "filled"), to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    let store = try SQLiteSpanStore(directory: copy.path)
    defer { store.close() }
    return try await body(store)
  }
}
