import DeliveryFacts
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import PoisonGuard
@testable import Projection

/// Changes for one issue, and the worker that computes their facts. Can be restarted after a crash.
final class FactBench {
  let store = ProjectorTests.FailingStore()
  let file: GuardFile
  private let allowance: FactKeeper.Allowance
  private(set) var registry = MetricRegistry()
  private(set) var worker: FactWorker
  private(set) var crashes = 0
  private let crash = Crash()

  init(allowance: FactKeeper.Allowance = FactKeeper.Allowance()) throws {
    self.allowance = allowance
    file = try GuardFile()
    worker = Self.worker(store, registry, PoisonGuard(directory: file.directory), allowance)
  }

  private static func worker(
    _ store: any SpanStore & FactStore, _ registry: MetricRegistry, _ poisonGuard: PoisonGuard, _ allowance: FactKeeper.Allowance
  ) -> FactWorker {
    var configuration = FactWorker.Configuration()
    configuration.longestRetryPause = .zero
    return FactWorker(
      store: store, strategy: .nested, rules: FactRules(), registry: registry, clock: SystemClock(), logger: Logger { _ in },
      poisonGuard: poisonGuard, allowance: allowance, configuration: configuration)
  }

  static func issueKey(_ number: Int) -> SubjectKey { key("issue", number) }
  static func changeKey(_ number: Int) -> SubjectKey { key("pull_request", number) }

  private static func key(_ kind: String, _ number: Int) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: "\(number)")
  }

  /// Projects an issue of a type.
  func tellIssue(type: String, second: Int64 = 0) throws {
    var event = Event(key: Self.issueKey(1), time: .vendor(StoreSamples.time(second)), attempt: .counted)
    event.operation = .issue
    event.marks = [.begin(.vendor(StoreSamples.time(0)))]
    event.publishes = [.issue(1, of: "acme/site", host: "github.com")]
    event.attributes = [Attribute(AttributeName.valuestreamIssueType, .string(type))]
    event.owner = "github.com/acme"
    try project([event])
  }

  /// Projects changes for the issue.
  func tellChanges(_ numbers: some Sequence<Int>, second: Int64 = 1) throws {
    try project(
      numbers.map { number in
        var event = Event(key: Self.changeKey(number), time: .vendor(StoreSamples.time(second)), attempt: .counted)
        event.operation = .pullRequest
        event.state = .running
        event.marks = [.begin(.vendor(StoreSamples.time(1)))]
        event.follows = [FollowStatement(.closingWords, [.issue(1, of: "acme/site", host: "github.com")])]
        event.owner = "github.com/acme"
        return event
      })
  }

  private func project(_ events: [Event]) throws {
    var correlation = Correlation(store: store)
    for event in events { _ = try correlation.take(event) }
    try store.write(correlation.finish())
  }

  /// Lets each write of the facts of a subject crash the process.
  func crash(on key: SubjectKey) {
    store.onFactWrite.withLock { onWrite in
      onWrite = { [file, crash] changes in
        guard changes.facts.contains(where: { $0.subject.key == key }) else { return }
        let bytes = try file.afterCrash()
        crash.bytes.withLock { $0 = bytes }
        throw StoreError(.busy, "a crash, as the test wants it")
      }
    }
  }

  /// Lets each write of the facts of a subject fail for good.
  func reject(_ key: SubjectKey?) {
    store.onFactWrite.withLock { onWrite in
      onWrite = { changes in
        guard changes.facts.contains(where: { $0.subject.key == key }) else { return }
        throw StoreError(.rejected, "too large, as the test wants it")
      }
    }
  }

  /// Computes all facts, and starts again after each crash.
  func computeAll() throws {
    for _ in 0..<1000 {
      do {
        if try !worker.step() { return }
      } catch {
        let bytes = try #require(crash.bytes.withLock { $0 }, "\(error)")
        crashes += 1
        try restart(with: bytes)
      }
    }
    Issue.record("the work never ends")
  }

  func restart(with bytes: [UInt8]? = nil) throws {
    // The file has one guard at a time.
    worker = Self.worker(store, MetricRegistry(), PoisonGuard(), allowance)
    registry = MetricRegistry()
    if let bytes { try file.write(bytes) }
    worker = Self.worker(store, registry, PoisonGuard(directory: file.directory), allowance)
  }

  func setAside(_ reason: String) -> Double {
    registry.all.first { $0.name == "valuestream_facts_set_aside_total" }?.value(labels: [reason]) ?? -1
  }

  /// The changes that have facts, by number, with the type of their issue.
  func types() throws -> [Int: String] {
    let keys = (1...30).map(Self.changeKey)
    let places = try store.places(of: keys)
    var types: [Int: String] = [:]
    for (index, key) in keys.enumerated() {
      guard let id = places[key].map({ FactID(rawValue: $0) }), let fact = try store.facts(ChangeFact.self, of: [id])[id]?.first
      else { continue }
      types[index + 1] = try store.texts(of: [fact.labels.workType])[fact.labels.workType] ?? ""
    }
    return types
  }
}

/// The guard file as a crash leaves it.
private final class Crash: Sendable {
  let bytes = Mutex<[UInt8]?>(nil)
}
