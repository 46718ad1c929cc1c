package compose

import "github.com/rotunda-rtc/rotunda/internal/video"

// Cell is a place of the frame, in pixels. All its numbers are even, because colours have half the resolution.
type Cell struct{ X, Y, W, H int }

// grid is a region of a frame and how it may be divided.
type grid struct {
	Cell
	columns, rows int // at most; no fewer than 1
}

// smallest is the least side of a cell.
const smallest = 2

func gridOf(r video.Region, width, height int) grid {
	g := grid{Cell: Cell{r.X, r.Y, r.Width, r.Height}, columns: r.MaxColumns, rows: r.MaxRows}
	if g.W == 0 {
		g.W = width - g.X
	}
	if g.H == 0 {
		g.H = height - g.Y
	}
	limit := func(n *int, most int) {
		if *n == 0 || *n > most {
			*n = max(most, 1)
		}
	}
	limit(&g.columns, g.W/smallest)
	limit(&g.rows, g.H/smallest)
	return g
}

func (g grid) capacity() int { return g.columns * g.rows }

// shape is the division for n pictures in which those of 16:9 are largest. More columns win a tie, and what rounding made of one.
func (g grid) shape(n int) (columns, rows int) {
	best := 0
	for c := 1; c <= min(n, g.columns); c++ {
		r := (n + c - 1) / c
		if r > g.rows {
			continue
		}
		w, h := g.W/c, g.H/r
		if size := min(w*9, h*16); columns == 0 || size*100 >= best*99 {
			best, columns, rows = max(best, size), c, r
		}
	}
	return columns, rows
}

// cells are those of n pictures, at most capacity, row by row. A last row that is not full is centred.
func (g grid) cells(n int) []Cell {
	columns, rows := g.shape(n)
	cells := make([]Cell, n)
	for i := range n {
		row, column := i/columns, i%columns
		inRow := min(columns, n-row*columns)
		shift := (columns - inRow) * g.W / columns / 2
		left, right := g.X+shift+column*g.W/columns, g.X+shift+(column+1)*g.W/columns
		top, bottom := g.Y+row*g.H/rows, g.Y+(row+1)*g.H/rows
		cells[i] = Cell{even(left), even(top), even(right) - even(left), even(bottom) - even(top)}
	}
	return cells
}

func even(n int) int { return n &^ 1 }
