import ValueStreamCore

/// A JSON Schema (draft 2020-12) of a part of an answer.
indirect enum JSONSchema: Sendable {
  case text(format: String? = nil, choices: [String] = [])
  case integer
  case number
  case boolean
  /// Anything at all.
  case any
  case array(of: JSONSchema)
  /// An object with exactly these members, all of which are always there unless they are `optional`.
  case object([Member])
  /// An object with members of any name.
  case map(of: JSONSchema)
  /// The schema, or null.
  case nullable(JSONSchema)
  /// A named schema in the components of the description.
  case named(String)

  struct Member: Sendable {
    var name: String
    var schema: JSONSchema
    var isRequired: Bool
    var description: String?
  }

  /// A time in RFC 3339.
  static let time = JSONSchema.text(format: "date-time")

  static func member(_ name: String, _ schema: JSONSchema, _ description: String? = nil) -> Member {
    Member(name: name, schema: schema, isRequired: true, description: description)
  }

  static func optional(_ name: String, _ schema: JSONSchema, _ description: String? = nil) -> Member {
    Member(name: name, schema: schema, isRequired: false, description: description)
  }

  func write(to json: inout JSONWriter) {
    json.object { json in writeMembers(to: &json, description: nil) }
  }

  private func writeMembers(to json: inout JSONWriter, description: String?) {
    writeKeywords(to: &json)
    if let description { json.member("description", description) }
  }

  private func writeKeywords(to json: inout JSONWriter) {
    switch self {
    case .text(let format, let choices):
      json.member("type", "string")
      if let format { json.member("format", format) }
      if !choices.isEmpty {
        json.name("enum")
        json.array(choices) { $0.value($1) }
      }
    case .integer: json.member("type", "integer")
    case .number: json.member("type", "number")
    case .boolean: json.member("type", "boolean")
    case .any: break
    case .array(let element):
      json.member("type", "array")
      json.name("items")
      element.write(to: &json)
    case .map(let value):
      json.member("type", "object")
      json.name("additionalProperties")
      value.write(to: &json)
    case .object(let members): Self.write(members, to: &json)
    case .nullable(let schema):
      json.name("anyOf")
      json.array([schema, nil]) { json, schema in
        if let schema { schema.write(to: &json) } else { json.object { $0.member("type", "null") } }
      }
    case .named(let name): json.member("$ref", "#/components/schemas/\(name)")
    }
  }

  private static func write(_ members: [Member], to json: inout JSONWriter) {
    json.member("type", "object")
    json.name("properties")
    json.object { json in
      for member in members {
        json.name(member.name)
        json.object { member.schema.writeMembers(to: &$0, description: member.description) }
      }
    }
    json.name("required")
    json.array(members.filter(\.isRequired)) { $0.value($1.name) }
    json.member("additionalProperties", false)
  }
}
