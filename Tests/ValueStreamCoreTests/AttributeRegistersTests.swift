import Testing

@testable import ValueStreamCore

@Suite("Attribute registers")
struct AttributeRegistersTests {
  @Test("Of each name and vocabulary the last fact counts, in whatever order facts name them", arguments: 0..<50)
  func lastCounts(seed: UInt64) {
    struct Name: Hashable {
      var text: String
      var vocabulary: AttributeVocabulary
    }
    var random = SeededRandom(seed: seed)
    let names = (0..<Int.random(in: 1...40, using: &random)).map { "name.\($0 * 7919 % 101)" }
    var registers = AttributeRegisters()
    var expected: [Name: AttributeValue] = [:]
    for fact in 0..<Int.random(in: 0...6, using: &random) {
      // Most facts have the same names in the same order. Some leave out a few or use another order.
      var named = names.filter { _ in Int.random(in: 0..<6, using: &random) > 0 }
      if let last = named.indices.last, Bool.random(using: &random) { named.swapAt(0, last) }
      if fact == 3 { named += named.shuffled(using: &random) }
      let attributes = named.map { name in
        let isClassic = Int.random(in: 0..<4, using: &random) == 0
        let number = Int64.random(in: 0..<9, using: &random)
        let value = number == 0 ? AttributeValue.strings([]) : .int(number)
        return Attribute(name, value, vocabulary: isClassic ? .classic : .semantic)
      }
      registers.take(attributes)
      for attribute in attributes {
        let isTakenBack = attribute.value == .strings([]) && attribute.vocabulary == .semantic
        expected[Name(text: attribute.name, vocabulary: attribute.vocabulary)] = isTakenBack ? nil : attribute.value
      }
    }
    let sorted = expected.map { Attribute($0.key.text, $0.value, vocabulary: $0.key.vocabulary) }.sorted {
      ($0.name, $0.vocabulary.rawValue) < ($1.name, $1.vocabulary.rawValue)
    }
    #expect(registers.attributes == sorted)
  }

  @Test("An attribute finds its place in a sorted list, and replaces the one of its name only where it should")
  func insertion() {
    var attributes = [Attribute("b", 1), Attribute("b", 2, vocabulary: .classic), Attribute("d", 3)]
    attributes.insert(Attribute("a", 4))
    attributes.insert(Attribute("c", 5))
    attributes.insert(Attribute("e", 6))
    attributes.insert(Attribute("b", 7))
    attributes.insert(Attribute("d", 8), replacing: false)
    #expect(
      attributes == [
        Attribute("a", 4), Attribute("b", 7), Attribute("b", 2, vocabulary: .classic), Attribute("c", 5), Attribute("d", 3),
        Attribute("e", 6),
      ])
  }
}
