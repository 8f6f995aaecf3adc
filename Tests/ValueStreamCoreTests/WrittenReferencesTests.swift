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
      ("feature_AB-7.fix", ["AB-7"]), ("A1-1 A1-2 A1-3 A1-4 A1-5 A1-6", ["A1-1", "A1-2", "A1-3", "A1-4", "A1-5", "A1-6"]),
      (
        "TLS-1 TLS-2 MD5-128 SHA-1 SHA-256 AES-256 UTF-8 ISO-8601 CVE-2026 RFC-7519 AB-7",
        ["MD5-128", "AB-7", "TLS-1", "TLS-2", "SHA-1", "SHA-256", "AES-256"]
      ),
      ("AB-7x xAB-7 AB-7_1 ÄAB-7", []), ("1B-7", []), ("AB-1234567890", []), ("", []),
    ])
  func keys(text: String, keys: [String]) {
    #expect(IssueKey.all(in: text) == keys)
  }

  @Test(
    "Keys in the name of a branch, in small letters too where one of its parts begins",
    arguments: [
      ("fix/ab-7-spout", ["AB-7"]), ("ab-7", ["AB-7"]), ("AB-7", ["AB-7"]), ("users/rosa/ab-7_spout", ["AB-7"]),
      ("feature_AB-7.fix", ["AB-7"]), ("feature_ab-7", ["FEATURE_AB-7", "AB-7"]), ("MY_AB-7", ["MY_AB-7", "AB-7"]),
      ("2023-04-11-245a825", []), ("spout-ab-7", []), ("release-2", ["RELEASE-2"]), ("v-1", []), ("main", []),
      ("feature/spout", []),
    ])
  func branchKeys(branch: String, keys: [String]) {
    #expect(IssueKey.all(inBranch: branch) == keys)
  }

  @Test("A long text names no more than twenty, and noise takes no place of theirs")
  func manyKeys() {
    let noise = (1...100).map { "UTF-\($0)" }.joined(separator: " ")
    let keys = (1...30).map { "AB-\($0)" }
    #expect(IssueKey.all(in: "\(noise) \(keys.joined(separator: " "))") == Array(keys.prefix(20)))
  }

  @Test(
    "The address of an issue names it in one tracker, and no key of another",
    arguments: [
      ("See https://acme.example.net/browse/AB-7?focusedId=1.", ["address:https://acme.example.net/browse/AB-7"]),
      (
        "https://Jira.Example.org/jira/browse/AB-7 and AB-8", ["address:https://jira.example.org/jira/browse/AB-7", "issue:AB-8"]
      ),
      ("(https://trello.com/c/k36dIsCo/36-discount)", ["address:https://trello.com/c/k36dIsCo"]),
      ("https://trello.com/b/HbrS1te0/site and https://example.org/AB-9", ["issue:AB-9"]),
      ("ftp://acme.example.net/browse/AB-7", ["issue:AB-7"]), ("a: b :// ://x", []),
    ])
  func addresses(body: String, names: [String]) {
    let statements = Self.written.statements(branch: nil, title: nil, body: body)
    #expect(statements.last?.references.map(\.description) == names)
  }

  @Test("A card's short link in a branch or a title names it; a word does not")
  func shortLinks() {
    let statements = Self.written.statements(
      branch: "fix/k36dIsCo-discount", title: "Discount again (A1b2C3d4)", body: "harbour1, k36dIsCx")
    #expect(statements.last?.references.map(\.value) == ["k36dIsCo", "A1b2C3d4"])
  }

  @Test("Texts of the greatest length are read to their end")
  func longTexts() {
    let end = "\n\nFixes #12, AB-7, vstrace-github-issue-site-36, https://acme.example.net/browse/AB-8"
    let hostile = [
      String(repeating: "`", count: 262_000), (1...700).map { String(repeating: "`", count: $0) }.joined(separator: " "),
      String(repeating: "A-", count: 131_000), String(repeating: "://", count: 87_000), String(repeating: "<!-", count: 87_000),
      String(repeating: "\u{6F22}", count: 87_000), String(repeating: "fixes ", count: 43_000),
    ]
    for text in hostile {
      let found = Self.text(Self.written.statements(branch: nil, title: nil, body: text + end))
      #expect(
        found == [
          "explicit_id: vstrace-github-issue-site-36", "closing_words: here#12",
          "issue_key: https://acme.example.net/browse/AB-8 AB-7",
        ], "\(text.prefix(9))")
    }
  }

  @Test("No id or key is as long as a text")
  func lengths() {
    let long = String(repeating: "A", count: 200_000)
    let statements = Self.written.statements(branch: nil, title: nil, body: "vstrace-a-b-c-\(long) \(long)-7 fixes \(long)/x#7")
    #expect(statements.allSatisfy { $0.references.allSatisfy { $0.value.utf8.count <= 512 } })
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
