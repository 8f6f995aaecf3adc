/// Merges the attributes of facts, taken in order. For each name and vocabulary, the last value wins.
///
/// Facts of one subject mostly name the same attributes in the same order. The search for an attribute therefore starts where the
/// previous fact had it. An attribute that is not found there is appended, and duplicates are resolved at the end.
struct AttributeRegisters {
  private struct Register {
    var attribute: Attribute
    /// The attribute's number in the order in which all attributes were taken.
    var order: Int
  }

  private var registers: [Register] = []
  private var count = 0
  /// The names of the attributes to take; nil for all.
  private let names: [String]?
  /// The sizes of these names, a bit each, because most other names differ in size.
  private let sizes: UInt64
  /// How many consecutive attributes a fact may omit before the search misses the next one.
  private static let reach = 4

  init(names: [String]? = nil) {
    self.names = names
    sizes = (names ?? []).reduce(0) { $0 | Self.sizeBit($1) }
  }

  private static func sizeBit(_ name: String) -> UInt64 { 1 << UInt64(name.utf8.count & 63) }

  /// Takes the attributes of the next fact. An empty list in the semantic vocabulary removes the attribute.
  mutating func take(_ attributes: [Attribute]) {
    registers.reserveCapacity(attributes.count)
    // Excludes attributes that this fact appends.
    let known = registers.count
    var expected = 0
    for index in attributes.indices {
      if let names, sizes & Self.sizeBit(attributes[index].name) == 0 || !names.contains(attributes[index].name) { continue }
      let attribute = attributes[index]
      count += 1
      let place = (expected..<min(expected + Self.reach, known)).first { registers[$0].attribute.isNamed(as: attribute) }
      if let place {
        registers[place] = Register(attribute: attribute, order: count)
        expected = place + 1
      } else {
        registers.append(Register(attribute: attribute, order: count))
      }
    }
  }

  /// The merged attributes, sorted by name, semantic before classic.
  var attributes: [Attribute] {
    // For each name, the index of the winning register. Comparing names dominates the cost, so a binary search limits it.
    var places: [Int] = []
    places.reserveCapacity(registers.count)
    for (place, register) in registers.enumerated() {
      var (start, end) = (0, places.count)
      while start < end {
        let middle = (start + end) / 2
        if precedes(places[middle], place) { start = middle + 1 } else { end = middle }
      }
      if start == places.count || !areNamedAlike(places[start], place) {
        places.insert(place, at: start)
      } else if registers[places[start]].order < register.order {
        places[start] = place
      }
    }
    var attributes: [Attribute] = []
    attributes.reserveCapacity(places.count)
    for place in places where !registers[place].attribute.takesBack { attributes.append(registers[place].attribute) }
    return attributes
  }

  // Compare names only: a copy of an attribute retains its value.

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    let order = registers[left].attribute.name.order(to: registers[right].attribute.name)
    if order != 0 { return order < 0 }
    return registers[left].attribute.vocabulary.rawValue < registers[right].attribute.vocabulary.rawValue
      && registers[left].attribute.name == registers[right].attribute.name
  }

  private func areNamedAlike(_ left: Int, _ right: Int) -> Bool {
    registers[left].attribute.vocabulary == registers[right].attribute.vocabulary
      && registers[left].attribute.name == registers[right].attribute.name
  }
}

extension Attribute {
  fileprivate func isNamed(as other: Attribute) -> Bool {
    vocabulary == other.vocabulary && name == other.name
  }

  fileprivate func precedes(_ other: Attribute) -> Bool {
    name < other.name || vocabulary.rawValue < other.vocabulary.rawValue && name == other.name
  }

  fileprivate var takesBack: Bool {
    if case .strings(let texts) = value { texts.isEmpty && vocabulary == .semantic } else { false }
  }
}

extension [Attribute] {
  /// Inserts an attribute into a list that is sorted by name, semantic before classic.
  ///
  /// - Parameter replacing: whether it replaces an existing attribute of the same name and vocabulary.
  mutating func insert(_ attribute: Attribute, replacing: Bool = true) {
    let place = firstIndex { !$0.precedes(attribute) } ?? endIndex
    if place < endIndex, self[place].isNamed(as: attribute) {
      if replacing { self[place] = attribute }
    } else {
      insert(attribute, at: place)
    }
  }
}
