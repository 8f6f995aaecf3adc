import APIClient
import GitHubWebhooks
import PayloadReading
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitHubImport

@Suite("The timeline of GitHub")
struct GitHubTimelineTests {
  private static func object(_ json: String) throws -> PayloadObject {
    try PayloadObject(root: JSONDocument(Array(json.utf8)))
  }

  private static func story(_ add: (inout GitHubImportBody) throws -> Void, seed: UInt64) throws -> DeliveryStory {
    let repository = try GitHubImportRepository(
      object(
        #"""
        {"id":9,"full_name":"acme/site","default_branch":"main","html_url":"https://github.com/acme/site",
        "created_at":"2020-01-01T00:00:00Z","parent":{"id":8},"keys_url":"x"}
        """#))
    #expect(!String(decoding: repository.json, as: UTF8.self).contains("parent"))
    var body = GitHubImportBody(of: repository)
    try add(&body)
    return try DeliveryStory(body.deliveries.map(\.received), of: GitHubSource(), seed: seed)
  }

  @Test("An issue that was opened again has two attempts, each with its end and its reason", arguments: Seeds.upTo(4))
  func reopened(seed: UInt64) throws {
    let story = try Self.story(
      { body in
        body.addIssue(
          try Self.object(
            #"""
            {"id":1,"number":5,"title":"t","state":"closed","state_reason":"completed","created_at":"2026-11-20T08:00:00Z",
            "updated_at":"2026-11-20T13:00:00Z","closed_at":"2026-11-20T12:00:00Z","labels":[]}
            """#),
          GitHubDetails(
            try Self.object(
              #"""
              {"id":"I","timelineItems":{"pageInfo":{"hasNextPage":false},"nodes":[
              {"__typename":"ClosedEvent","createdAt":"2026-11-20T09:00:00Z","stateReason":"NOT_PLANNED"},
              {"__typename":"ReopenedEvent","createdAt":"2026-11-20T10:00:00Z"},
              {"__typename":"LabeledEvent","createdAt":"2026-11-20T10:30:00Z","label":{"name":"bug"}},
              {"__typename":"LabeledEvent","createdAt":"2026-11-20T10:30:00Z","label":{"name":"web"}},
              {"__typename":"ClosedEvent","createdAt":"2026-11-20T12:00:00Z","stateReason":"COMPLETED"},
              {"__typename":"SubscribedEvent","createdAt":"2026-11-20T12:30:00Z"},null]}}
              """#), isChange: false))
      }, seed: seed)
    #expect(
      story.tree == ["issue:5 08:00:00 to 09:00:00 not_planned", "issue:5/2 10:00:00 to 12:00:00 completed"])
    #expect(story.spans.flatMap(\.span.events).map(\.name) == ["labeled", "labeled"])
  }

  @Test(
    "A pull request keeps its drafts, the verdict of a dismissed review, and only its last end is the merge",
    arguments: Seeds.upTo(4))
  func change(seed: UInt64) throws {
    let story = try Self.story(
      { body in
        body.addChange(
          try Self.object(
            #"""
            {"id":2,"number":6,"title":"t","state":"closed","draft":false,"created_at":"2026-11-20T08:00:00Z",
            "updated_at":"2026-11-20T14:00:00Z","closed_at":"2026-11-20T13:00:00Z","merged_at":"2026-11-20T13:00:00Z",
            "merge_commit_sha":"cccc","head":{"ref":"topic","sha":"bbbb","repo":{"id":9,"full_name":"acme/site"}},
            "base":{"ref":"main","repo":{"id":9}},"user":{"login":"ada"}}
            """#),
          GitHubDetails(
            try Self.object(
              #"""
              {"id":"P","additions":5,"timelineItems":{"nodes":[
              {"__typename":"ReadyForReviewEvent","createdAt":"2026-11-20T09:00:00Z"},
              {"__typename":"ReviewDismissedEvent","createdAt":"2026-11-20T10:30:00Z","previousReviewState":"APPROVED",
              "review":{"fullDatabaseId":"70"}},
              {"__typename":"ClosedEvent","createdAt":"2026-11-20T11:00:00Z"},
              {"__typename":"ReopenedEvent","createdAt":"2026-11-20T12:00:00Z"},
              {"__typename":"ClosedEvent","createdAt":"2026-11-20T13:00:00Z"}]},
              "reviews":{"nodes":[{"fullDatabaseId":"70","state":"DISMISSED","submittedAt":"2026-11-20T10:00:00Z",
              "author":{"__typename":"Bot","login":"helper"},"comments":{"nodes":[{"fullDatabaseId":"71",
              "createdAt":"2026-11-20T10:00:00Z","author":null}]}},{"fullDatabaseId":"72","state":"PENDING"}]},
              "commits":{"totalCount":1,"nodes":[{"commit":{"oid":"bbbb","message":"m","committedDate":"2026-11-20T07:00:00Z"}}]}}
              """#), isChange: true), branches: ["main"])
      }, seed: seed)
    #expect(
      story.tree == ["pull_request:6 08:00:00 to 11:00:00 abandoned", "pull_request:6/2 12:00:00 to 13:00:00 merged"])
    #expect(
      story.phases(of: "pull_request:6").prefix(2) == ["draft 08:00:00 to 09:00:00", "review 09:00:00 to 11:00:00"])
    let events = story.spans.flatMap(\.span.events)
    #expect(events.map(\.name).sorted() == ["ready_for_review", "review", "review_comment", "review_dismissed"])
    let review = events.first { $0.name == "review" }
    #expect(review?.attributes.value(of: "valuestream.review.state") == .string("approved"))
    #expect(review?.attributes.value(of: "valuestream.review.author") == .string("helper[bot]"))
    #expect(review?.attributes.value(of: "valuestream.author.bot") == .bool(true))
  }

  @Test("The place of a job is read from the address of its log")
  func places() {
    #expect(GitHubJobPlace("https://github.com/a/b/actions/runs/12/job/34?pr=5")?.run == 12)
    #expect(GitHubJobPlace("https://github.com/a/b/actions/runs/12/job/34?pr=5")?.job == 34)
    #expect(GitHubJobPlace("https://github.com/a/b/actions/runs/12")?.job == nil)
    for address in ["", "https://ci.example/runs/3", "https://github.com/a/b/runs/3", "https://github.com/a/b/actions/runs/x"] {
      #expect(GitHubJobPlace(address) == nil, "\(address)")
    }
  }
}

@Suite("The place in a list by update")
struct UpdatedListCursorTests {
  @Test("The top is read again up to the start of the import, so that what moved there while reading is not lost")
  func moves() {
    let began = Timestamp(seconds: 1000)
    // Records by update, newest first, in pages of two. While page 1 is read, the last one is updated.
    var updates = [("a", 900), ("b", 800), ("c", 700), ("d", 600), ("e", 500)]
    var seen: [String] = []
    var cursor: String?
    repeat {
      let place = UpdatedListCursor(cursor)
      let page = Array(updates.dropFirst((place.page - 1) * 2).prefix(2))
      seen += page.filter { !place.isAgain || $0.1 >= 1000 }.map(\.0)
      if cursor == nil { updates = [("e", 1100)] + updates.dropLast() }
      let hasMore = place.page * 2 < updates.count
      cursor = place.next(
        isOver: !hasMore, hasMore: hasMore, last: page.last.map { Timestamp(seconds: Int64($0.1)) }, began: began)
    } while cursor != nil
    #expect(Set(seen) == ["a", "b", "c", "d", "e"])
    #expect(seen.filter { $0 == "e" }.count == 1)
  }
}
