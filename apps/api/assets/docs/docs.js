// The page is light or dark as its reader's system is, and narrow where the window is.

const dark = matchMedia("(prefers-color-scheme: dark)");
const reference = document.querySelector("rapi-doc");

function follow() {
  reference.setAttribute("theme", dark.matches ? "dark" : "light");
  reference.setAttribute("primary-color", dark.matches ? "#6ea8fe" : "#1d4ed8");
}

dark.addEventListener("change", follow);
follow();
