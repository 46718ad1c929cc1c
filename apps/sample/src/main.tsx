import "@rotunda/theme/theme.css";
import "@rotunda/theme/controls.css";
import "./styles/controls.css";
import "./styles/entrance.css";
import "./styles/call.css";
import "./styles/panel.css";
import "./styles/connectivity.css";
import { createRoot } from "react-dom/client";
import { App } from "./App";

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
