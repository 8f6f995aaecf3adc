import Testing
import ValueStreamCore

@Suite("Lists of words in sentences")
struct WordListTests {
  @Test("have the conjunction before the last word", arguments: [(0, ""), (1, "a"), (2, "a or b"), (3, "a, b or c")])
  func listed(count: Int, text: String) {
    #expect(Array(["a", "b", "c"].prefix(count)).listed("or") == text)
  }
}
