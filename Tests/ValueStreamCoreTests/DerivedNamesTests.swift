import Testing
import ValueStreamTesting

@testable import ValueStreamCore

@Suite("Names that follow from what an event says")
struct DerivedNamesTests {
  private static let time = EventTime.vendor(Timestamp(seconds: 1_710_000_000))

  private static func change(_ id: String) -> Event {
    var event = Event(
      key: SubjectKey(source: "github", host: "github.com", container: "1", kind: "pull_request", id: id), time: time,
      attempt: .single)
    event.operation = .pullRequest
    event.marks = [.begin(time)]
    return event
  }

  private static func build(_ id: String) -> Event {
    var event = Event(
      key: SubjectKey(source: "jenkins", host: "", container: "shop", kind: "build", id: id), time: time, attempt: .single)
    event.operation = .build
    event.marks = [.begin(time)]
    return event
  }

  @Test("are the same when they are derived again, as a replay does")
  func twice() {
    var change = Self.change("12")
    change.outcome = .merged
    change.marks.append(.end(Self.time))
    change.attributes = [Attribute("vcs.ref.base.name", .string("main"))]
    change.publishes = [
      Reference(.commit, String(repeating: "ab", count: 20)), .branch("fix", of: "acme/site", host: "github.com"),
    ]
    var build = Self.build("7")
    build.follows = [
      FollowStatement(.branch, [.branch("fix", of: "acme/site", host: "github.com")]),
      FollowStatement(.commit, [Reference(.commit, "abababab")]),
    ]
    for event in [change, build] {
      let derived = event.namesDerived ?? event
      #expect(derived != event)
      #expect((derived.namesDerived ?? derived) == derived)
    }
  }

  @Test("A second commit that begins like another is found by its short hash, in either order", arguments: [false, true])
  func sameBeginning(reversed: Bool) throws {
    let tail = String(repeating: "0", count: 32)
    let commits = ["abc1234e", "abc1234f"].map { Reference(.commit, $0 + tail) }
    var build = Self.build("7")
    build.follows = [FollowStatement(.commit, [Reference(.commit, "abc1234f")])]
    var events = [build]
    // Change 12 has the first commit only. Change 13 has both, so only it has the commit that the build follows.
    for (id, commit) in [("12", commits[0]), ("13", commits[0]), ("13", commits[1])] {
      var event = Self.change(id)
      event.publishes = [commit]
      events.append(event)
    }
    let store = MemorySpanStore()
    for event in reversed ? events.reversed() : events {
      var correlation = Correlation(store: store)
      _ = try correlation.take(event)
      store.write(correlation.finish())
    }
    let tie = store.subjects([build.key])[build.key]?.parent
    #expect(tie?.parent == Self.change("13").key)
    #expect(tie?.reference == Reference(.shortCommit, "abc1234f"))
  }
}
