import Testing
import ValueStreamCore

@Suite("Items that persons leave out")
struct ExclusionTests {
  private static let key = "github:github.com:1:branch:main"
  private static let commit = String(repeating: "0a", count: 20)

  @Test("are named by a key, or by a branch and a commit")
  func names() throws {
    let item = try #require(ExcludedItem("jiracloud:acme.atlassian.net::issue:10002"))
    #expect(item.directChange == nil)
    #expect(item.description == "jiracloud:acme.atlassian.net::issue:10002")
    let direct = try #require(ExcludedItem("\(Self.key)#\(Self.commit)"))
    #expect(direct.key.description == Self.key)
    #expect(direct.directChange == FactID(directChangeOn: direct.key, at: Self.commit))
    #expect(ExcludedItem("\(Self.key)#\(Self.commit.uppercased())") == direct)
    #expect(ExcludedItem(direct.description) == direct, "its id stands for the commit")
    #expect(try ExcludedItem(#require(direct.directChange), key: direct.key) == direct)
  }

  @Test(
    "are not named by anything else",
    arguments: [
      "", "acme/site#36", "github:github.com:1:issue", "a:b:c:d:e:f", "\(key)#", "\(key)#xyz", "\(key)#\(commit)0",
      "\(key)#0123456789abcdef", "\(key)#0123456789abcdeg", " \(key)", "\(key)\n",
    ])
  func others(text: String) {
    #expect(ExcludedItem(text) == nil)
  }

  @Test(
    "come back from the log as they were said",
    arguments: ["fire drill", "", "\"quotes\" \\ and </script>", "ümläut 🚀", String(repeating: "x", count: 500)])
  func decisions(reason: String) throws {
    let item = try #require(ExcludedItem(Self.key))
    for action in ExclusionChange.Action.allCases {
      let change = ExclusionChange(action, item, reason: reason, actor: "rosa\u{0}")
      #expect(try ExclusionChange(encoded: change.encoded) == change)
    }
  }

  @Test(
    "are not read from other bodies",
    arguments: [
      "", "null", "[]", "{}", #"{"action": "exclude"}"#, #"{"action": "drop", "item": "a:b:c:d:e"}"#,
      #"{"action": "exclude", "item": 7}"#, #"{"action": "exclude", "item": "acme/site#36"}"#, "{\"action\": \"exclude\",",
    ])
  func bodies(text: String) {
    #expect(throws: PayloadError.self) { try ExclusionChange(encoded: Array(text.utf8)) }
  }
}
