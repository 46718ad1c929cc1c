package doctor

// Level says how a check went.
type Level string

// The levels. A check that is skipped could not be made, or was not wanted.
const (
	OK      Level = "ok"
	Warn    Level = "warn"
	Fail    Level = "fail"
	Skipped Level = "skipped"
)

// Check is one thing that was looked at.
type Check struct {
	Name    string `json:"name"`
	Level   Level  `json:"level"`
	Found   string `json:"found"`
	Setting string `json:"setting,omitempty"` // of the server, to change; or what else to do
}

// Report is what was looked at, in order.
type Report []Check

// Failed reports whether a check failed.
func (r Report) Failed() bool {
	for _, c := range r {
		if c.Level == Fail {
			return true
		}
	}
	return false
}

// Table is the report for people, with a head.
func (r Report) Table() [][]string {
	rows := [][]string{{"CHECK", "RESULT", "FOUND", "CHANGE"}}
	for _, c := range r {
		rows = append(rows, []string{c.Name, string(c.Level), c.Found, c.Setting})
	}
	return rows
}
