import Testing
import ValueStreamCore
import ValueStreamTesting

/// Compares the changes attributed to deploys in generated histories with the commit graph.
@Suite("Laws of what deploys bring")
struct DeployLawTests {
  private struct Told {
    var step: String?
    var changes: [SubjectKey]
  }

  private static func told(_ history: DeployHistory, _ random: inout SeededRandom) throws -> [SubjectKey: Told] {
    let store = MemorySpanStore()
    var correlation = Correlation(store: store)
    for update in history.updates.shuffled(using: &random) { correlation.take(update) }
    for event in history.events.shuffled(using: &random) { _ = try correlation.take(event) }
    store.write(correlation.finish())
    var reader = TraceReader(store: store, strategy: .nested)
    var told: [SubjectKey: Told] = [:]
    for deploy in history.deploys {
      let span = try #require(try reader.spans(of: deploy.key).first)
      told[deploy.key] = Told(
        step: span.span.attributes.text(of: "valuestream.deployment.step"),
        changes: span.links.filter { $0.rule == "deploys" }.map(\.key))
      for link in span.links {
        for case .double(let seconds) in link.attributes.map(\.value) { #expect(seconds >= 0, "\(deploy.key)") }
      }
    }
    return told
  }

  @Test(
    "A deploy brings what its commit has and the one before has not, whatever the clocks say",
    arguments: Seeds.upTo(60), [DeployHistory.Branches.merged, .madeAtCommit])
  func difference(seed: UInt64, branches: DeployHistory.Branches) throws {
    let history = DeployHistory(seed: seed, branches: branches, deployClock: seed.isMultiple(of: 2) ? -7200 : 60)
    var random = SeededRandom(seed: seed)
    let told = try Self.told(history, &random)
    var previous: DeployHistory.Deploy?
    for deploy in history.successes {
      let answer = try #require(told[deploy.key])
      defer { previous = deploy }
      guard let previous else {
        #expect(answer.step == "first" && answer.changes.isEmpty, "\(deploy.key)")
        continue
      }
      let (old, new) = (history.ancestors(of: previous.commit), history.ancestors(of: deploy.commit))
      let step = new == old ? "redeploy" : new.isSubset(of: old) ? "rollback" : "forward"
      let expected = history.changes(in: deploy.commit).subtracting(history.changes(in: previous.commit))
      #expect(answer.step == step, "\(deploy.key) on \(deploy.commit) after \(previous.commit)")
      #expect(answer.changes.count == Set(answer.changes).count)
      #expect(Set(answer.changes) == expected, "\(deploy.key) on \(deploy.commit) after \(previous.commit)")
    }
    for deploy in history.deploys where !deploy.isSuccess { #expect(told[deploy.key]?.changes.isEmpty ?? false) }
  }

  @Test(
    "Where nobody says at which commit a branch began, no change is lost, and none is brought twice that was not taken back",
    arguments: Seeds.upTo(60), [DeployHistory.Branches.pushedWithCommits, .takingInMain])
  func unknownBeginnings(seed: UInt64, branches: DeployHistory.Branches) throws {
    let history = DeployHistory(seed: seed, branches: branches)
    var random = SeededRandom(seed: seed)
    let told = try Self.told(history, &random)
    let deploys = history.successes
    var broughtBefore: [SubjectKey: Int] = [:]
    let first = try #require(deploys.first)
    let known = history.changes(in: first.commit)
    // One line per deploy, for the failure message.
    let story = deploys.map { deploy in
      let brought = told[deploy.key]?.changes.compactMap { history.landed($0) } ?? []
      return "\(deploy.commit) \(told[deploy.key]?.step ?? "") \(brought)"
    }
    for (index, deploy) in deploys.enumerated() {
      let answer = try #require(told[deploy.key])
      let has = history.changes(in: deploy.commit)
      for change in answer.changes {
        #expect(has.contains(change), "\(deploy.key) brings \(change), which it has not")
        if let before = broughtBefore[change] {
          let wasTakenBack = deploys[before..<index].contains { !history.changes(in: $0.commit).contains(change) }
          #expect(wasTakenBack, "\(change) is brought twice, last by \(deploy.key); \(story); \(history.graph)")
        }
        broughtBefore[change] = index
      }
      // A branch may contain changes that no event connects with it; main may not.
      if history.isOnMain(deploy.commit) {
        for change in has.subtracting(known) {
          #expect(
            broughtBefore[change] != nil, "\(change) is in \(deploy.key), and nobody brought it; \(story); \(history.graph)")
        }
      }
    }
  }
}
