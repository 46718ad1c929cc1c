import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@rotunda/theme/theme.css";
import "uplot/dist/uPlot.min.css";
import "@rotunda/theme/controls.css";
import "./styles/shell.css";
import "./styles/screens.css";
import "./styles/operations.css";
import "./styles/history.css";
import "./styles/media.css";
import "./styles/live.css";
import "./styles/lists.css";
import "./styles/signin.css";
import { ApiError } from "./api/client";
import { sessionQuery } from "./api/session";
import { makeRouter } from "./router";
import { applyTheme } from "./shell/theme";

applyTheme();

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What was refused stays refused; what failed may work the next time.
      retry: (count, error) =>
        count < 2 && !(error instanceof ApiError && error.status > 0 && error.status < 500),
      staleTime: 5_000,
    },
  },
});

// Whatever finds that the session has ended leads to the sign-in page.
client.getQueryCache().subscribe((event) => {
  const error = event.query.state.error;
  if (error instanceof ApiError && error.status === 401) client.setQueryData(sessionQuery.queryKey, null);
});

const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={makeRouter(client)} />
    </QueryClientProvider>
  </StrictMode>,
);
