import ValueStreamCore

/// A route of the API that answers GET, as the OpenAPI description has it.
struct APIOperation: Sendable {
  /// The path, with `{name}` for a part that names something.
  var path: String
  var id: String
  var summary: String
  var parameters: [APIParameter] = []
  var answer: JSONSchema
  /// True if `format=csv` gives the same as CSV.
  var hasCSV = false

  /// The names of the parts of the path that name something.
  var pathNames: [String] {
    path.split(separator: "/").filter { $0.hasPrefix("{") && $0.hasSuffix("}") }.map { String($0.dropFirst().dropLast()) }
  }

  func write(to json: inout JSONWriter) {
    json.object { json in
      json.name("get")
      json.object { json in
        json.member("operationId", id)
        json.member("summary", summary)
        json.name("parameters")
        json.array(pathNames.map { Parameter.path($0) } + parameters.map { Parameter.query($0) }) { $1.write(to: &$0) }
        json.name("responses")
        json.object { json in
          writeAnswer(to: &json)
          for (status, description) in problems {
            json.name(status)
            json.object { json in
              json.member("description", description)
              json.name("content")
              json.object { json in
                json.name("application/problem+json")
                json.object { json in
                  json.name("schema")
                  JSONSchema.named("Problem").write(to: &json)
                }
              }
            }
          }
        }
      }
    }
  }

  private var problems: [(status: String, description: String)] {
    [("400", "A parameter is unknown or has a value that it does not take.")]
      + (pathNames.isEmpty ? [] : [("404", "Nothing has this name."), ("409", "Several items have this name.")])
      + [("503", "The store cannot be read at the moment.")]
  }

  private enum Parameter {
    case path(String)
    case query(APIParameter)

    func write(to json: inout JSONWriter) {
      switch self {
      case .query(let parameter): parameter.write(to: &json)
      case .path(let name):
        json.object { json in
          json.member("name", name)
          json.member("in", "path")
          json.member("required", true)
          json.name("schema")
          json.object { $0.member("type", "string") }
        }
      }
    }
  }

  private func writeAnswer(to json: inout JSONWriter) {
    json.name("200")
    json.object { json in
      json.member("description", "The answer.")
      json.name("content")
      json.object { json in
        json.name("application/json")
        json.object { json in
          json.name("schema")
          answer.write(to: &json)
        }
        guard hasCSV else { return }
        json.name("text/csv")
        json.object { json in
          json.name("schema")
          json.object { $0.member("type", "string") }
        }
      }
    }
  }
}
