import Testing
import ValueStreamCore

@Suite("Closing words")
struct ClosingWordsTests {
  static func found(_ text: String, by words: ClosingWords = .gitHub) -> [String] {
    words.issues(in: text).map { issue in
      [issue.host, issue.repository, "#\(issue.number)"].compactMap { $0 }.joined(separator: " ")
    }
  }

  @Test(
    "Every word in every spelling that GitHub documents",
    arguments: ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"])
  func words(word: String) {
    for text in [
      "\(word) #10", "\(word.uppercased()) #10", "\(word): #10", "It \(word)\n#10.", "(\(word) #10)", "- \(word) #10,",
    ] {
      #expect(Self.found(text) == ["#10"], "\(text)")
    }
  }

  @Test("Other repositories, and addresses")
  func elsewhere() {
    #expect(Self.found("Fixes octo-org/octo.repo_1#100") == ["octo-org/octo.repo_1 #100"])
    #expect(Self.found("Resolves #10, resolves #123, resolves acme/api#7") == ["#10", "#123", "acme/api #7"])
    #expect(Self.found("fixes https://GitHub.com/acme/site/issues/3#issuecomment-1") == ["github.com acme/site #3"])
    #expect(Self.found("fixes #3 and fixes #3") == ["#3"])
  }

  @Test(
    "A mention is no tie",
    arguments: [
      "", "#12", "see #12", "fixes", "fixes#12", "fixes 12", "fixes #", "fixes #x", "fixes #12a", "prefixes #12", "fixing #12",
      "fixes the crash of #12", "fixes /#12", "fixes a#12", "fixes a b#12", "fixes https://github.com/acme/site/pull/3",
      "fixes https://", "fixes #99999999999999999999",
    ])
  func mentions(text: String) {
    #expect(Self.found(text).isEmpty)
  }

  @Test(
    "What stands in comments and code is no tie",
    arguments: [
      "<!-- e.g. Fixes #123 -->\nTidies up", "<!--\nFixes #1\n-->", "<!-- fixes #1", "Write `Fixes #1` there", "``fixes #1 ` ``",
      "```\nfixes #1\n```", "  ~~~text\nfixes #1\n```\nfixes #2\n~~~", "````\nfixes #1\n```\nfixes #2\n````  \r\n",
      "```\nfixes #1",
    ])
  func quoted(text: String) {
    #expect(Self.found(text).isEmpty)
    #expect(Self.found("Fixes #7\n\n\(text)") == ["#7"])
    #expect(Self.found(text, by: .gitLab).isEmpty)
  }

  @Test(
    "What stands beside them is",
    arguments: [
      "<!-- #1 -->Fixes #7", "`code` fixes #7", "a ` lone one\n\nfixes #7 `", "```\ncode\n```\nfixes #7", "~~~\n~~~\nFixes #7",
      "~~old~~ fixes #7", "`` ` `` fixes #7", "a `` b ` fixes #7",
    ])
  func besideQuoted(text: String) {
    #expect(Self.found(text) == ["#7"])
  }

  @Test("GitLab has more words, lists, and groups within groups")
  func gitLab() {
    #expect(
      Self.found("Closes #4, #6, and group/sub/app#7\nImplementing #8", by: .gitLab) == ["#4", "#6", "group/sub/app #7", "#8"])
    #expect(
      Self.found("Fixing https://gitlab.com/group/sub/app/-/issues/9.", by: .gitLab) == ["gitlab.com group/sub/app #9"])
    #expect(Self.found("Closes #4, and then see #5", by: .gitLab) == ["#4"])
    #expect(Self.found("Related to #4", by: .gitLab).isEmpty)
    #expect(Self.found("Closes #4, #6") == ["#4"], "GitHub takes one")
  }

  @Test("A long text names at most twenty")
  func bound() {
    #expect(ClosingWords.gitHub.issues(in: (1...100).map { "fixes #\($0)" }.joined(separator: "\n")).count == 20)
  }
}
