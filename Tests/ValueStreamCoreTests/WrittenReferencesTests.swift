import Testing
import ValueStreamCore

@Suite("What people write about where their work belongs")
struct WrittenReferencesTests {
  static var written: WrittenReferences {
    WrittenReferences(.gitHub, reach: .sameOwner) { issue in
      [Reference(.issue, "\(issue.repository ?? "here")#\(issue.number)")]
    }
  }

  static func text(_ statements: [FollowStatement]) -> [String] {
    statements.map { "\($0.rule.name): \($0.references.map(\.value).joined(separator: " "))" }
  }

  @Test("Of a change: classic ids before closing words before keys, the branch before title and body")
  func change() {
    let statements = Self.written.statements(
      branch: "fix/AB-7-vstrace-github-issue-site-36", title: "AB-8: pour, as vstrace-jiracloud-issue-AB-9 says",
      body: "Fixes #12, see #13 and AB-10.\n\n`AB-11`\n<!-- AB-12 -->")
    #expect(
      Self.text(statements) == [
        "explicit_id: vstrace-github-issue-site-36 vstrace-jiracloud-issue-AB-9", "closing_words: here#12",
        "issue_key: AB-7 AB-8 AB-9 AB-10",
      ])
    #expect(statements.allSatisfy { $0.reach == .sameOwner })
    #expect(statements.map(\.rule) == statements.map(\.rule).sorted())
  }

  @Test("What a change no longer says is taken back; of a text that is not there nothing is said")
  func takenBack() {
    #expect(
      Self.text(Self.written.statements(branch: "spout", title: "Pour", body: "")) == [
        "explicit_id: ", "closing_words: ", "issue_key: ",
      ])
    #expect(Self.text(Self.written.statements(branch: "spout", title: nil, body: nil)) == ["explicit_id: ", "issue_key: "])
  }

  @Test("Of the message of a commit: closing words, then classic ids and keys")
  func message() {
    #expect(
      Self.text(Self.written.statements(message: "Pour slower (AB-7)\n\nCloses #12\nvstrace-github-issue-site-36")) == [
        "closing_words: here#12", "issue_key: vstrace-github-issue-site-36 AB-7",
      ])
    #expect(Self.written.statements(message: "Pour slower, see #12").isEmpty)
  }

  @Test(
    "Keys of issues in a text",
    arguments: [
      ("AB-7", ["AB-7"]), ("[AB-7] and (CD_E2-10), AB-7 again", ["AB-7", "CD_E2-10"]), ("AB-7-then-CD-8", ["AB-7", "CD-8"]),
      ("fix AB-7.", ["AB-7"]), ("https://t.example/browse/AB-7?x=1", ["AB-7"]), ("ab-7, Ab-7, A-7, AB7, AB-, -7, AB-07", []),
      ("AB-7x xAB-7 AB-7_1 ÄAB-7", []), ("1B-7", []), ("AB-1234567890", []), ("", []),
      ("A1-1 A1-2 A1-3 A1-4 A1-5 A1-6", ["A1-1", "A1-2", "A1-3", "A1-4", "A1-5"]),
    ])
  func keys(text: String, keys: [String]) {
    #expect(IssueKey.all(in: text) == keys)
  }

  @Test(
    "Keys in the name of a branch, in small letters too where one of its parts begins",
    arguments: [
      ("fix/ab-7-spout", ["AB-7"]), ("ab-7", ["AB-7"]), ("AB-7", ["AB-7"]), ("users/rosa/ab-7_spout", ["AB-7"]),
      ("spout-ab-7", []), ("release-2", ["RELEASE-2"]), ("v-1", []), ("main", []), ("feature/spout", []),
    ])
  func branchKeys(branch: String, keys: [String]) {
    #expect(IssueKey.all(inBranch: branch) == keys)
  }

  @Test(
    "Numbers of changes in refs",
    arguments: [
      ("refs/pull/12/merge", 12), ("pull/12/head", 12), ("origin/pr/12/merge", 12), ("refs/merge-requests/12/train", 12),
      ("PR-12", 12), ("MR-12-head", 12), ("PR-12-merge", 12), ("PR-12-spout", nil), ("pull/request", nil), ("main", nil),
      ("refs/heads/PR-12", 12), ("PR-", nil), ("pr-12", nil), ("refs/pull/99999999999999999999/head", nil), ("", nil),
    ] as [(String, Int64?)])
  func changeNumbers(ref: String, number: Int64?) {
    #expect(ChangeNumber.find(inRef: ref) == number)
  }
}
